/** A syncer that follows an etcd under fault while somebody writes, and a client that records what it is told. */
import { EtcdStore } from '../../src/datastore/etcd/store.ts';
import { decode, resourceKey, Syncer } from '../../src/datastore/index.ts';
import type { CalicoError } from '../../src/errors/index.ts';
import { idText, type Update } from '../../src/model/index.ts';
import type { Etcd } from './datastore-etcd.ts';
import { sh } from './own-namespace.ts';

export const CLUSTER = resourceKey('clusterinformations', 'default');
export const clusterOf = (guid: string) => JSON.stringify({ spec: { clusterGUID: guid, datastoreReady: true } });
const node = (name: string) => resourceKey('nodes', name);
const labelled = (value: string) => JSON.stringify({ metadata: { labels: { value } } });

/** Nodes that exist throughout. */
const KEPT = Array.from({ length: 40 }, (_, i) => `kept-${i}`);

export class Following {
  /** By the id's text; what it was told, folded. */
  readonly view = new Map<string, string>();
  readonly deleted: string[] = [];
  readonly log: string[] = [];
  readonly held: (string | null)[] = [];
  inSync = false;
  readonly store: EtcdStore;
  readonly #admin: EtcdStore;
  readonly #syncer: Syncer;
  #writing = false;
  #writes = 0;
  #written = Promise.resolve();

  /** `options` of the syncer's connection, `admin` of the writer's. */
  constructor(etcd: Etcd, options: object = {}, admin: object = {}) {
    this.store = new EtcdStore({ endpoints: [etcd.endpoint], pageSize: 7, ...options });
    this.#admin = new EtcdStore({ endpoints: [etcd.endpoint], timeout: 1000, ...admin });
    this.#syncer = new Syncer(
      this.store,
      {
        onUpdates: (updates) => updates.forEach((update) => void this.#take(update)),
        onStatus: (status) => {
          this.inSync = status === 'in-sync';
        },
      },
      {
        log: (message, fields) => this.log.push(`${message} ${fields.message ?? fields.reason ?? ''}`),
        onHeld: (why: CalicoError | null) => this.held.push(why?.code ?? null),
      },
    );
  }

  async start(): Promise<void> {
    await this.#admin.put(CLUSTER, clusterOf('g'));
    for (const name of KEPT) await this.#admin.put(node(name), labelled(''));
    this.#syncer.start();
    await until(() => this.inSync);
  }

  /** From now on nodes come, change and go; a write that fails is left. */
  write(): void {
    this.#writing = true;
    this.#written = (async () => {
      for (let i = this.#writes; this.#writing; i = ++this.#writes) {
        const passing = node(`passing-${i % 9}`);
        const write = i % 3 === 0 ? this.#admin.delete(passing) : this.#admin.put(passing, labelled(`${i}`));
        await write.catch(() => {});
        await this.#admin.put(node(KEPT[i % KEPT.length] as string), labelled(`${i}`)).catch(() => {});
        await sleep(5);
      }
    })();
  }

  /** Ends the writing, and waits until the client's view is what the datastore holds. Throws what differs if it never is. */
  async settle(): Promise<void> {
    this.#writing = false;
    await this.#written;
    let differing = ['not looked yet'];
    for (let i = 0; i < 300 && differing.length > 0; i++) {
      await sleep(100);
      differing = await this.#differing().catch((error) => [String(error)]);
    }
    if (differing.length > 0) throw new Error(`differ: ${differing.join()}; log: ${this.log.slice(-5).join('; ')}`);
  }

  /** Of what existed throughout: what was told deleted at any time. */
  get falselyDeleted(): string[] {
    return this.deleted.filter((text) => !text.includes('passing-'));
  }

  /** Writes made so far. */
  get writes(): number {
    return this.#writes;
  }

  async #differing(): Promise<string[]> {
    const { items } = await this.#admin.list(resourceKey('nodes', ''));
    const stored = new Map(items.map(({ key, value }) => decode(key, value) as Update).map(folded));
    const seen = new Map([...this.view].filter(([text]) => text.startsWith('Node ')));
    return [...new Set([...stored.keys(), ...seen.keys()])].filter((text) => stored.get(text) !== seen.get(text));
  }

  #take(update: Update): void {
    const [text, value] = folded(update);
    if (update.value !== null) return void this.view.set(text, value);
    this.view.delete(text);
    this.deleted.push(text);
  }

  async close(): Promise<void> {
    this.#writing = false;
    await this.#written;
    this.#syncer.stop();
    await this.store.close();
    await this.#admin.close();
  }
}

function folded(update: Update): [string, string] {
  return [idText(update.id), JSON.stringify(update.value)];
}

export async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1200; i++) {
    if (condition()) return;
    await sleep(50);
  }
  throw new Error(`not reached: ${condition}`);
}

export const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** In a namespace of one's own: packets to and from the port are dropped from now on; returns what ends that. */
export function blackHole(port: number): () => void {
  const rules = [`INPUT -p tcp --dport ${port} -j DROP`, `INPUT -p tcp --sport ${port} -j DROP`];
  for (const rule of rules) sh(`iptables -w -A ${rule}`);
  return () => rules.forEach((rule) => void sh(`iptables -w -D ${rule}`));
}
