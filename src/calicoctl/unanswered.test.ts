/** A datastore that does not answer is asked once, however much there is to ask. */
import { expect, test } from 'vitest';
import { Client, MemoryStore } from '../datastore/index.ts';
import { CalicoError } from '../errors/index.ts';
import type { Io } from './io.ts';
import { run } from './program.ts';

class Silent extends MemoryStore {
  requests = 0;

  #refuse(): never {
    this.requests++;
    throw new CalicoError('E_DATASTORE', 'http://nowhere:2379', 'does not answer');
  }

  override async get(): Promise<never> {
    return this.#refuse();
  }

  override async read(): Promise<never> {
    return this.#refuse();
  }

  override async list(): Promise<never> {
    return this.#refuse();
  }
}

const sets = Array.from(
  { length: 300 },
  (_, i) => `apiVersion: projectcalico.org/v3\nkind: GlobalNetworkSet\nmetadata: {name: s${i}}\n`,
).join('---\n');

test.each([
  [['apply', '-f', '-']],
  [['apply', '-f', '-', '--atomic']],
  [['delete', '-f', '-']],
  [['get', '-f', '-']],
  [['get', 'nodes']],
])('%j', async (argv) => {
  const store = new Silent();
  let out = '';
  const print = (text: string): void => {
    out += text;
  };
  const io: Io = {
    env: {},
    directory: '/',
    stdin: async () => sets,
    out: print,
    err: print,
    connect: async () => new Client(store),
  };
  expect(await run(argv, io)).toBe(1);
  expect(out).toBe('E_DATASTORE http://nowhere:2379: does not answer\n');
  expect(store.requests).toBeLessThanOrEqual(2);
});
