/**
 * The key-value seam: what Calico needs of a datastore, and no more. etcd/ and memory/ implement it, and both run
 * through store.cases.ts.
 *
 * Revisions are decimal text (they are 64-bit). They count the datastore's writes: a key's revision is that of its last
 * write, a list's that of the moment it shows.
 *
 * Errors: E_EXISTS, E_NOT_FOUND, E_CONFLICT (subject: the key) and E_DATASTORE where the datastore does not answer or
 * refuses. After an E_DATASTORE a write may or may not have happened.
 */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  /** Of the key's last write. */
  readonly revision: string;
}

/** What is under a key, or under every key with a prefix. */
export type Question = { readonly key: string } | { readonly prefix: string };

/** Part of a list: every page of one list shows the same revision. */
export interface Page {
  readonly items: readonly KeyValue[];
  readonly revision: string;
}

/** One write as a watch sees it; `value: null` is a deletion. */
export interface StoreEvent {
  readonly key: string;
  readonly value: string | null;
  readonly revision: string;
}

/** A condition of a transaction: the key has this revision, or (null) does not exist. */
export interface Compare {
  readonly key: string;
  readonly revision: string | null;
}

/** A write of a transaction; null deletes. */
export interface Write {
  readonly key: string;
  readonly value: string | null;
  /** The key goes by itself when this lease ends; without one it stays, whatever it was written with before. */
  readonly lease?: string;
}

/**
 * `compacted`: the revision asked for is history that is gone. `disconnected`: anything else. Either way the watch is
 * over, and what it missed can only be found by listing again (or, when disconnected, by watching on from the last
 * revision seen).
 */
export type WatchLoss = 'compacted' | 'disconnected';

export interface WatchHandler {
  /** Events in order. `revision`: everything up to it has been seen; may come alone, without events. */
  onEvents(events: readonly StoreEvent[], revision: string): void;
  /** Called once at most, and nothing after it. */
  onLost(reason: WatchLoss): void;
}

export interface Watch {
  /** No callback after this. */
  close(): void;
}

export interface Store {
  get(key: string): Promise<KeyValue | null>;
  /** All of it in one request, at one revision; the answers in the order of the questions. At most 128, about little: it is not paged. */
  read(questions: readonly Question[]): Promise<KeyValue[][]>;
  /** Everything under the prefix, sorted by key, at one revision. */
  list(prefix: string): Promise<Page>;
  /** The same in parts, for those who need not hold it all. Throws where the rest cannot be had: then it was no list. */
  pages(prefix: string): AsyncIterable<Page>;
  /** Resolves to the new revision. E_EXISTS. */
  create(key: string, value: string): Promise<string>;
  /** Creates or replaces. */
  put(key: string, value: string): Promise<string>;
  /** Replaces what has this revision. E_NOT_FOUND, E_CONFLICT. */
  update(key: string, value: string, revision: string): Promise<string>;
  /** Resolves to what was deleted, null when there was nothing. E_CONFLICT when it has another revision. */
  delete(key: string, revision?: string): Promise<KeyValue | null>;
  /** All writes if all comparisons hold, else none. No key may be written twice. Resolves to the new revision, or null where a comparison failed. E_NOT_FOUND for a lease that has ended. */
  transact(compares: readonly Compare[], writes: readonly Write[]): Promise<string | null>;
  /** Resolves to the name of a new lease, which ends when it is not renewed for so many whole seconds (1 or more). */
  grantLease(seconds: number): Promise<string>;
  /** The lease's time starts anew. Resolves to false when it has ended. */
  renewLease(lease: string): Promise<boolean>;
  /** Events later than `afterRevision`. */
  watch(prefix: string, afterRevision: string, handler: WatchHandler): Watch;
  close(): Promise<void>;
}

/** -1, 0 or 1: is revision `a` older than, the same as or newer than `b`? */
export function compareRevisions(a: string, b: string): number {
  if (a.length !== b.length) return a.length < b.length ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Everything of `pages` in one page. */
export async function collect(pages: AsyncIterable<Page>): Promise<Page> {
  const items: KeyValue[] = [];
  let revision = '0';
  for await (const page of pages) {
    for (const item of page.items) items.push(item);
    revision = page.revision;
  }
  return { items, revision };
}
