/** Command lines against one datastore in memory, for tests. */
import { Client, MemoryStore } from '../../datastore/index.ts';
import type { Io } from '../io.ts';
import { run } from '../program.ts';

export interface Terminal {
  readonly store: MemoryStore;
  /** What it printed, on whichever stream, and its exit status. */
  call(argv: readonly string[], stdin?: string): Promise<{ exit: number; out: string }>;
}

export function terminal(env: Record<string, string> = {}): Terminal {
  const store = new MemoryStore();
  return {
    store,
    async call(argv, stdin = '') {
      let out = '';
      const print = (text: string): void => {
        out += text;
      };
      const io: Io = {
        env: { ETCD_ENDPOINTS: 'http://nowhere:2379', ...env },
        directory: '/',
        stdin: async () => stdin,
        out: print,
        err: print,
        connect: async () => new Client(store),
      };
      const exit = await run(argv, io);
      return { exit, out };
    },
  };
}
