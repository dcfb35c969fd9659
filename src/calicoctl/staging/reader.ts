/** Reads keys of a datastore: those that are asked for at the same time in one request, and none of them twice. */
import type { KeyValue, Store } from '../../datastore/index.ts';

/** Store.read takes no more. */
const QUESTIONS = 128;

interface Waiting {
  readonly key: string;
  answer(item: KeyValue | null): void;
  fail(error: unknown): void;
}

export class Reader {
  readonly #store: Store;
  readonly #known = new Map<string, Promise<KeyValue | null>>();
  #waiting: Waiting[] = [];

  constructor(store: Store) {
    this.#store = store;
  }

  /** As it was when it was first asked for. */
  get(key: string): Promise<KeyValue | null> {
    let item = this.#known.get(key);
    if (!item) {
      item = new Promise((answer, fail) => this.#ask({ key, answer, fail }));
      this.#known.set(key, item);
    }
    return item;
  }

  #ask(waiting: Waiting): void {
    this.#waiting.push(waiting);
    if (this.#waiting.length === 1) setImmediate(() => this.#read());
  }

  #read(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let i = 0; i < waiting.length; i += QUESTIONS) void this.#readSome(waiting.slice(i, i + QUESTIONS));
  }

  async #readSome(waiting: readonly Waiting[]): Promise<void> {
    try {
      const answers = await this.#store.read(waiting.map(({ key }) => ({ key })));
      for (const [i, { answer }] of waiting.entries()) answer(answers[i]?.[0] ?? null);
    } catch (error) {
      for (const { fail } of waiting) fail(error);
    }
  }
}
