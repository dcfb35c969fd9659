/**
 * A datastore with changes that are not written yet: reads show them, and the datastore below stays as it is until
 * `commit`. So whatever writes can be asked first what it would do, and do all of it or nothing.
 */
import type { Compare, KeyValue, Page, Question, Store, Watch, Write } from '../../datastore/index.ts';
import { CalicoError } from '../../errors/index.ts';
import { Reader } from './reader.ts';

/** What becomes of one key. */
export interface Change {
  readonly key: string;
  readonly before: KeyValue | null;
  /** null: it goes. */
  readonly after: string | null;
}

/** Higher than those of any datastore, so that the two are never taken for one another. */
const FIRST_REVISION = 10n ** 18n;

export class StagedStore implements Store {
  readonly #base: Store;
  readonly #reader: Reader;
  readonly #staged = new Map<string, { before: KeyValue | null; now: KeyValue | null }>();
  #revision = FIRST_REVISION;

  constructor(base: Store) {
    this.#base = base;
    this.#reader = new Reader(base);
  }

  /** Keys that end up as they were are none. */
  changes(): Change[] {
    const all = [...this.#staged].map(([key, { before, now }]) => ({ key, before, after: now?.value ?? null }));
    return all.filter(({ before, after }) => (before?.value ?? null) !== after);
  }

  /** Writes all changes at once. E_CONFLICT where somebody else has changed one of the keys meanwhile. */
  async commit(): Promise<void> {
    const changes = this.changes();
    if (changes.length === 0) return;
    const compares = changes.map(({ key, before }) => ({ key, revision: before?.revision ?? null }));
    const writes = changes.map(({ key, after }) => ({ key, value: after }));
    const revision = await this.#base.transact(compares, writes).catch((error) => {
      throw tooMany(error, changes.length);
    });
    if (revision === null)
      throw new CalicoError(
        'E_CONFLICT',
        'the file',
        'is not applied: others have changed the same resources meanwhile',
        {
          hint: 'try again',
        },
      );
    this.#staged.clear();
  }

  async get(key: string): Promise<KeyValue | null> {
    const staged = this.#staged.get(key);
    return staged ? staged.now : this.#reader.get(key);
  }

  async read(questions: readonly Question[]): Promise<KeyValue[][]> {
    const answers = await this.#base.read(questions);
    return answers.map((items, i) => {
      const question = questions[i] as Question;
      return this.#over(items, (key) => ('key' in question ? key === question.key : key.startsWith(question.prefix)));
    });
  }

  async list(prefix: string): Promise<Page> {
    const { items, revision } = await this.#base.list(prefix);
    return { items: this.#over(items, (key) => key.startsWith(prefix)), revision };
  }

  async *pages(prefix: string): AsyncIterable<Page> {
    yield await this.list(prefix);
  }

  async create(key: string, value: string): Promise<string> {
    if (await this.get(key)) throw new CalicoError('E_EXISTS', key, 'exists already');
    return this.#stage(key, value);
  }

  async put(key: string, value: string): Promise<string> {
    return this.#stage(key, value);
  }

  async update(key: string, value: string, revision: string): Promise<string> {
    const current = await this.get(key);
    if (!current) throw new CalicoError('E_NOT_FOUND', key, 'does not exist');
    if (current.revision !== revision) throw new CalicoError('E_CONFLICT', key, 'has changed since it was read');
    return this.#stage(key, value);
  }

  async delete(key: string, revision?: string): Promise<KeyValue | null> {
    const current = await this.get(key);
    if (!current) return null;
    if (revision !== undefined && current.revision !== revision)
      throw new CalicoError('E_CONFLICT', key, 'has changed since it was read');
    await this.#stage(key, null);
    return current;
  }

  async transact(compares: readonly Compare[], writes: readonly Write[]): Promise<string | null> {
    for (const { key, revision } of compares) if (((await this.get(key))?.revision ?? null) !== revision) return null;
    for (const { key, value } of writes) await this.#stage(key, value);
    return String(this.#revision);
  }

  grantLease(): Promise<string> {
    throw unstaged('leases');
  }

  renewLease(): Promise<boolean> {
    throw unstaged('leases');
  }

  watch(): Watch {
    throw unstaged('watches');
  }

  close(): Promise<void> {
    return this.#base.close();
  }

  async #stage(key: string, value: string | null): Promise<string> {
    const before = this.#staged.has(key) ? (this.#staged.get(key)?.before ?? null) : await this.#reader.get(key);
    const revision = String(++this.#revision);
    this.#staged.set(key, { before, now: value === null ? null : { key, value, revision } });
    return revision;
  }

  #over(items: readonly KeyValue[], asked: (key: string) => boolean): KeyValue[] {
    const untouched = items.filter(({ key }) => !this.#staged.has(key));
    const staged = [...this.#staged].flatMap(([key, { now }]) => (now && asked(key) ? [now] : []));
    return [...untouched, ...staged].sort((a, b) => (a.key < b.key ? -1 : 1));
  }
}

function tooMany(error: unknown, writes: number): unknown {
  if (!(error instanceof CalicoError && /too many operations/.test(error.message))) return error;
  return new CalicoError(
    'E_DATASTORE',
    'the file',
    `makes ${writes} changes, more than etcd takes in one transaction`,
    {
      hint: "apply it without --atomic, or raise etcd's --max-txn-ops",
      cause: error,
    },
  );
}

function unstaged(what: string): CalicoError {
  return new CalicoError('E_INTERNAL', 'staged changes', `know no ${what}`);
}
