/**
 * A directory of manifests as a datastore: one host, or a few with the same files, without etcd. Resources are in its files;
 * what programs report of themselves is kept in memory alone, for nobody else reads it there.
 */
import { type FSWatcher, watch } from 'node:fs';
import { fromStored } from '../../api/stored.ts';
import { CalicoError } from '../../errors/index.ts';
import { RESOURCES } from '../keys.ts';
import { MemoryStore } from '../memory/store.ts';
import type { Compare, KeyValue, Page, Question, Store, Watch, WatchHandler, Write } from '../store.ts';
import { Manifests, type Report } from './manifests.ts';

/** Changes come in bursts: a file is written, and renamed. */
const SETTLE_MS = 50;
/** Not every file system tells of changes. */
const POLL_MS = 5_000;

export class FilesStore implements Store {
  readonly #manifests: Manifests;
  readonly #memory = new MemoryStore();
  readonly #report: Report;
  readonly #directory: string;
  #last: Promise<unknown> = Promise.resolve();
  #watcher: FSWatcher | undefined;
  #poll: NodeJS.Timeout | undefined;
  #settling: NodeJS.Timeout | undefined;

  constructor(directory: string, report: Report) {
    this.#directory = directory;
    this.#report = report;
    this.#manifests = new Manifests(directory, report);
  }

  async get(key: string): Promise<KeyValue | null> {
    await this.#refresh();
    return this.#memory.get(key);
  }

  async read(questions: readonly Question[]): Promise<KeyValue[][]> {
    await this.#refresh();
    return this.#memory.read(questions);
  }

  async list(prefix: string): Promise<Page> {
    await this.#refresh();
    return this.#memory.list(prefix);
  }

  async *pages(prefix: string): AsyncIterable<Page> {
    yield await this.list(prefix);
  }

  async create(key: string, value: string): Promise<string> {
    const revision = await this.transact([{ key, revision: null }], [{ key, value }]);
    if (revision === null) throw new CalicoError('E_EXISTS', key, 'exists already');
    return revision;
  }

  async put(key: string, value: string): Promise<string> {
    return (await this.transact([], [{ key, value }])) as string;
  }

  async update(key: string, value: string, revision: string): Promise<string> {
    const written = await this.transact([{ key, revision }], [{ key, value }]);
    if (written !== null) return written;
    if (!(await this.get(key))) throw new CalicoError('E_NOT_FOUND', key, 'does not exist');
    throw conflict(key);
  }

  async delete(key: string, revision?: string): Promise<KeyValue | null> {
    const current = await this.get(key);
    if (!current) return null;
    if (revision !== undefined && current.revision !== revision) throw conflict(key);
    if ((await this.transact([{ key, revision: current.revision }], [{ key, value: null }])) === null)
      throw conflict(key);
    return current;
  }

  /** Each file is written by itself: a failure between two leaves the first one written. */
  transact(compares: readonly Compare[], writes: readonly Write[]): Promise<string | null> {
    return this.#alone(async () => {
      await this.#load();
      for (const { key, revision } of compares)
        if (((await this.#memory.get(key))?.revision ?? null) !== revision) return null;
      const [manifests, others] = [writes.filter(isManifest), writes.filter((write) => !isManifest(write))];
      for (const { key, value } of manifests)
        await this.#manifests.write(key, value === null ? null : asWritten(value));
      if (others.length > 0) await this.#memory.transact([], others);
      await this.#load();
      const key = manifests.at(-1)?.key;
      const written = key === undefined ? null : await this.#memory.get(key);
      return written?.revision ?? (await this.#memory.list('-')).revision;
    });
  }

  grantLease(seconds: number): Promise<string> {
    return this.#memory.grantLease(seconds);
  }

  renewLease(lease: string): Promise<boolean> {
    return this.#memory.renewLease(lease);
  }

  watch(prefix: string, afterRevision: string, handler: WatchHandler): Watch {
    this.#follow();
    return this.#memory.watch(prefix, afterRevision, handler);
  }

  async close(): Promise<void> {
    this.#watcher?.close();
    clearInterval(this.#poll);
    clearTimeout(this.#settling);
    await this.#last.catch(() => {});
    await this.#memory.close();
  }

  async #refresh(): Promise<void> {
    await this.#alone(() => this.#load());
    const why = this.#manifests.unreadable();
    if (why) throw why;
  }

  async #load(): Promise<void> {
    // Who follows must not take a file that is being written for one that has lost what it held.
    const unsettled = await this.#manifests.scan(this.#poll ? SETTLE_MS : 0);
    if (unsettled) this.#settling ??= setTimeout(() => this.#reload(), SETTLE_MS);
    if (!this.#manifests.unreadable()) this.#memory.become(RESOURCES, this.#manifests.items());
  }

  /** One after another: what is read must not be half of what is written. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.catch(() => {}).then(work);
    this.#last = done;
    return done;
  }

  #follow(): void {
    if (this.#poll) return;
    this.#poll = setInterval(() => this.#reload(), POLL_MS);
    try {
      this.#watcher = watch(this.#directory, () => {
        this.#settling ??= setTimeout(() => this.#reload(), SETTLE_MS);
      });
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch (error) {
      this.#report('changes of manifests are noticed late', { directory: this.#directory, error: String(error) });
    }
  }

  #reload(): void {
    this.#settling = undefined;
    this.#alone(() => this.#load()).catch((error) => {
      this.#report('the manifests cannot be read; what they held stays in force', { error: String(error) });
    });
  }
}

function isManifest({ key }: Write): boolean {
  return key.startsWith(RESOURCES);
}

/** As people write it. */
function asWritten(value: string): object {
  const { apiVersion, kind, metadata, ...parts } = fromStored(value);
  return { apiVersion, kind, metadata, ...parts };
}

function conflict(key: string): CalicoError {
  return new CalicoError('E_CONFLICT', key, 'has changed since it was read', { hint: 'read it again' });
}
