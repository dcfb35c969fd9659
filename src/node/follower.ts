/** Does a piece of work whenever something under a few keys of the datastore has changed, and again when it fails. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Feed } from '../datastore/feed.ts';
import type { Store } from '../datastore/index.ts';

export interface FollowerOptions {
  readonly store: Store;
  readonly prefixes: readonly string[];
  /** Is a change of this key one to act on? */
  readonly concerns: (key: string) => boolean;
  /** Must do right by whatever is there: it is told of no single change. */
  readonly work: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** Changes that come together are one. */
const SETTLE_MS = 20;
const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 30_000;

export class Follower {
  readonly #options: FollowerOptions;
  readonly #stopping = new AbortController();

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** Begins with the work. Ends, when it is stopped, after the work under way. */
  async run(): Promise<void> {
    let failures = 0;
    while (!this.#stopped) {
      const started = Date.now();
      try {
        await this.#follow();
      } catch (error) {
        this.#options.onError(error);
      }
      failures = Date.now() - started > LAST_RETRY_MS ? 0 : failures + 1;
      await this.#pause(Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS));
    }
  }

  stop(): void {
    this.#stopping.abort();
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Until a watch is lost, or the work fails. */
  async #follow(): Promise<void> {
    const { store, prefixes, concerns, work } = this.#options;
    const revisions = await Promise.all(prefixes.map(async (prefix) => (await store.list(prefix)).revision));
    const feed = new Feed(store, prefixes, revisions);
    const close = () => feed.close();
    this.#stopping.signal.addEventListener('abort', close);
    try {
      await work();
      for (let events = await feed.next(); events && !this.#stopped; events = await feed.next()) {
        if (!events.some(({ key }) => concerns(key))) continue;
        await this.#pause(SETTLE_MS);
        await work();
      }
    } finally {
      this.#stopping.signal.removeEventListener('abort', close);
      feed.close();
    }
  }

  async #pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }
}
