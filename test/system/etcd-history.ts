/** What was written to a scenario's etcd, from a revision on: it keeps its history, as nobody compacts it. */
import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Change {
  readonly key: string;
  /** null: deleted, or its lease has ended. */
  readonly value: string | null;
  /** One a transaction. */
  readonly revision: number;
}

interface WatchResponse {
  readonly Events?: readonly { type?: number; kv: { key: string; value?: string; mod_revision: number } }[];
}

const DELETE = 1;

export class EtcdHistory {
  readonly #namespace: string;

  /** The namespace in which etcd is. */
  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  get revision(): number {
    const [program, ...args] = this.#command('get', 'no such key', '-w', 'json');
    const { header } = JSON.parse(execFileSync(program!, args, { env: ENV, encoding: 'utf8' }));
    return header.revision;
  }

  /** Changes after that revision of keys that begin so, in order. */
  async since(revision: number, prefix: string): Promise<Change[]> {
    const last = this.revision;
    const found: Change[] = [];
    // Everything is watched: there is certainly something at the last revision.
    const [program, ...args] = this.#command('watch', '--prefix', '/', '--rev', `${revision + 1}`, '-w', 'json');
    if (last === revision) return found;
    const watch = spawn(program!, args, { env: ENV, stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      for await (const line of createInterface({ input: watch.stdout })) {
        found.push(...((JSON.parse(line) as WatchResponse).Events ?? []).map(changeOf));
        if ((found.at(-1)?.revision ?? 0) >= last) break;
      }
    } finally {
      watch.kill();
    }
    return found.filter((change) => change.revision <= last && change.key.startsWith(prefix));
  }

  #command(...args: string[]): string[] {
    return ['ip', 'netns', 'exec', this.#namespace, 'etcdctl', '--endpoints', 'http://127.0.0.1:2379', ...args];
  }
}

const ENV = { ...process.env, ETCDCTL_API: '3' };

function changeOf({ type, kv }: NonNullable<WatchResponse['Events']>[number]): Change {
  const text = (base64 = '') => Buffer.from(base64, 'base64').toString();
  return { key: text(kv.key), value: type === DELETE ? null : text(kv.value), revision: kv.mod_revision };
}
