/** A datastore in memory: for tests, and to work on a copy of a datastore's contents. */
import { CalicoError } from '../../errors/index.ts';
import type { Compare, KeyValue, Page, Question, Store, StoreEvent, Watch, WatchHandler, Write } from '../store.ts';

interface Watcher {
  readonly prefix: string;
  /** The revision up to which it has been told everything. */
  seen: number;
  readonly handler: WatchHandler;
}

interface Lease {
  readonly milliseconds: number;
  readonly keys: Set<string>;
  timer: NodeJS.Timeout;
}

export class MemoryStore implements Store {
  readonly #leases = new Map<string, Lease>();
  #leasesGranted = 0;
  readonly #items = new Map<string, KeyValue>();
  readonly #watchers = new Set<Watcher>();
  /** Writes after the compaction, oldest first. */
  #history: StoreEvent[] = [];
  #compacted = 0;
  #revision: number;
  #delivering = false;

  /** `revision`: where counting starts; etcd's first is 1. */
  constructor(revision = 1) {
    this.#revision = revision;
    this.#compacted = revision;
  }

  async get(key: string): Promise<KeyValue | null> {
    return this.#items.get(key) ?? null;
  }

  async read(questions: readonly Question[]): Promise<KeyValue[][]> {
    return questions.map((question) => {
      if ('key' in question) return [this.#items.get(question.key) ?? []].flat();
      return this.#under(question.prefix);
    });
  }

  async list(prefix: string): Promise<Page> {
    return { items: this.#under(prefix), revision: String(this.#revision) };
  }

  async *pages(prefix: string): AsyncIterable<Page> {
    yield await this.list(prefix);
  }

  async create(key: string, value: string): Promise<string> {
    if (this.#items.has(key)) throw new CalicoError('E_EXISTS', key, 'exists already');
    return this.#commit([{ key, value }]);
  }

  async put(key: string, value: string): Promise<string> {
    return this.#commit([{ key, value }]);
  }

  async update(key: string, value: string, revision: string): Promise<string> {
    const current = this.#items.get(key);
    if (!current) throw new CalicoError('E_NOT_FOUND', key, 'does not exist');
    if (current.revision !== revision) throw conflict(key);
    return this.#commit([{ key, value }]);
  }

  async delete(key: string, revision?: string): Promise<KeyValue | null> {
    const current = this.#items.get(key);
    if (!current) return null;
    if (revision !== undefined && current.revision !== revision) throw conflict(key);
    this.#commit([{ key, value: null }]);
    return current;
  }

  async transact(compares: readonly Compare[], writes: readonly Write[]): Promise<string | null> {
    const unknown = writes.find(({ lease }) => lease !== undefined && !this.#leases.has(lease));
    if (unknown) throw new CalicoError('E_NOT_FOUND', `lease ${unknown.lease}`, 'has ended');
    const hold = compares.every(({ key, revision }) => (this.#items.get(key)?.revision ?? null) === revision);
    return hold ? this.#commit(writes) : null;
  }

  async grantLease(seconds: number): Promise<string> {
    const name = String(++this.#leasesGranted);
    const milliseconds = seconds * 1000;
    this.#leases.set(name, { milliseconds, keys: new Set(), timer: this.#endAfter(name, milliseconds) });
    return name;
  }

  async renewLease(name: string): Promise<boolean> {
    const lease = this.#leases.get(name);
    if (!lease) return false;
    clearTimeout(lease.timer);
    lease.timer = this.#endAfter(name, lease.milliseconds);
    return true;
  }

  watch(prefix: string, afterRevision: string, handler: WatchHandler): Watch {
    const watcher: Watcher = { prefix, seen: Number(afterRevision), handler };
    this.#watchers.add(watcher);
    this.#deliverSoon();
    return { close: () => this.#watchers.delete(watcher) };
  }

  /** Takes over what is kept elsewhere under the prefix, with its revisions; what differs is told to those who watch. */
  become(prefix: string, items: readonly KeyValue[]): void {
    const next = new Map(items.map((item) => [item.key, item]));
    const gone = this.#under(prefix).filter(({ key }) => !next.has(key));
    const changed = items.filter(({ key, value }) => this.#items.get(key)?.value !== value);
    if (gone.length + changed.length > 0) this.#revision++;
    for (const item of items) this.#revision = Math.max(this.#revision, Number(item.revision));
    const revision = String(this.#revision);
    for (const { key } of gone) {
      this.#items.delete(key);
      this.#history.push({ key, value: null, revision });
    }
    for (const { key, value } of changed) this.#history.push({ key, value, revision });
    for (const item of items) this.#items.set(item.key, item);
    this.#deliverSoon();
  }

  /** Forgets the history: watches that start before now are lost as `compacted`. */
  compact(): void {
    this.#history = [];
    this.#compacted = this.#revision;
  }

  async close(): Promise<void> {
    this.#watchers.clear();
    for (const { timer } of this.#leases.values()) clearTimeout(timer);
  }

  #under(prefix: string): KeyValue[] {
    const items = [...this.#items.values()].filter((item) => item.key.startsWith(prefix));
    return items.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  #endAfter(name: string, milliseconds: number): NodeJS.Timeout {
    const timer = setTimeout(() => {
      const keys = this.#leases.get(name)?.keys ?? [];
      this.#leases.delete(name);
      this.#commit([...keys].map((key) => ({ key, value: null })));
    }, milliseconds);
    return timer.unref();
  }

  #commit(writes: readonly Write[]): string {
    const changes = writes.filter(({ key, value }) => value !== null || this.#items.has(key));
    if (changes.length === 0) return String(this.#revision);
    const revision = String(++this.#revision);
    for (const { key, value, lease } of changes) {
      for (const { keys } of this.#leases.values()) keys.delete(key);
      if (lease !== undefined) this.#leases.get(lease)?.keys.add(key);
      if (value === null) this.#items.delete(key);
      else this.#items.set(key, { key, value, revision });
      this.#history.push({ key, value, revision });
    }
    this.#deliverSoon();
    return revision;
  }

  /** Watches hear of a write after it has resolved, as over a network. */
  #deliverSoon(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    setImmediate(() => {
      this.#delivering = false;
      for (const watcher of [...this.#watchers]) this.#deliver(watcher);
    });
  }

  #deliver(watcher: Watcher): void {
    if (!this.#watchers.has(watcher) || watcher.seen === this.#revision) return;
    if (watcher.seen < this.#compacted) {
      this.#watchers.delete(watcher);
      watcher.handler.onLost('compacted');
      return;
    }
    const missed = this.#history.slice(firstAfter(this.#history, watcher.seen));
    watcher.seen = Math.max(watcher.seen, this.#revision);
    const events = missed.filter((event) => event.key.startsWith(watcher.prefix));
    if (events.length > 0) watcher.handler.onEvents(events, String(this.#revision));
  }
}

function firstAfter(history: readonly StoreEvent[], revision: number): number {
  let index = history.length;
  while (index > 0 && Number(history[index - 1]?.revision) > revision) index--;
  return index;
}

function conflict(key: string): CalicoError {
  return new CalicoError('E_CONFLICT', key, 'has changed since it was read', { hint: 'read it again' });
}
