/**
 * What has been told to the dataplane of one kind of thing, and what has changed since.
 *
 * Many changes of one thing between two flushes become one; what came and went unseen is never told.
 */
export class Pending<K, V> {
  readonly #changed = new Map<K, V>();
  readonly #gone = new Map<K, V>();
  /** The last value told. */
  readonly #told = new Map<K, V>();

  /** How many are told and not gone. */
  get size(): number {
    return this.#told.size;
  }

  put(key: K, value: V): void {
    this.#gone.delete(key);
    this.#changed.set(key, value);
  }

  remove(key: K): void {
    this.#changed.delete(key);
    const told = this.#told.get(key);
    if (told !== undefined) this.#gone.set(key, told);
  }

  updates(tell: (value: V) => void): void {
    for (const [key, value] of this.#changed) {
      this.#told.set(key, value);
      tell(value);
    }
    this.#changed.clear();
  }

  /** `tell` gets the last value that was told of what is gone. What it throws at is to be told still. */
  removals(tell: (value: V) => void): void {
    for (const [key, value] of this.#gone) {
      tell(value);
      this.#told.delete(key);
      this.#gone.delete(key);
    }
  }

  /**
   * The next `updates` tells all that has been told, too. Who is told may have heard of some, or of all: what is gone, or
   * goes before it is told again, is told as gone.
   */
  retell(): void {
    for (const [key, value] of this.#told)
      if (!this.#gone.has(key) && !this.#changed.has(key)) this.#changed.set(key, value);
  }
}
