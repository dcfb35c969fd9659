/** Several watches as one stream of events, to be taken at the reader's pace. */
import type { Store, StoreEvent, Watch, WatchLoss } from './store.ts';

export class Feed {
  readonly #watches: Watch[];
  #events: StoreEvent[] = [];
  #lost: WatchLoss | 'closed' | null = null;
  #wake = () => {};

  /** `after`: for each prefix, the revision of its list. */
  constructor(store: Store, prefixes: readonly string[], after: readonly string[]) {
    this.#watches = prefixes.map((prefix, i) =>
      store.watch(prefix, after[i] as string, {
        onEvents: (events) => {
          for (const event of events) this.#events.push(event);
          this.#wake();
        },
        onLost: (reason) => this.#end(reason),
      }),
    );
  }

  /** Why it has ended; null while it has not. */
  get lost(): WatchLoss | 'closed' | null {
    return this.#lost;
  }

  /** What has happened since the last call, at least one event; null when the feed has ended. */
  async next(): Promise<StoreEvent[] | null> {
    while (this.#events.length === 0 && this.#lost === null) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const events = this.#events;
    this.#events = [];
    return events.length > 0 ? events : null;
  }

  close(): void {
    this.#events = [];
    this.#end('closed');
  }

  #end(reason: WatchLoss | 'closed'): void {
    this.#lost ??= reason;
    for (const watch of this.#watches) watch.close();
    this.#wake();
  }
}
