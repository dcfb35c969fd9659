/**
 * Members: what is desired, what is there, and what differs. A Tracker without values, at one map entry a member: sets
 * have many members.
 */
const DESIRED = 1;
const ACTUAL = 2;

export class SetTracker<K> {
  readonly #state = new Map<K, number>();
  readonly #adds = new Set<K>();
  readonly #removes = new Set<K>();
  #desiredCount = 0;

  /** How many members are desired. */
  get size(): number {
    return this.#desiredCount;
  }

  desires(key: K): boolean {
    return ((this.#state.get(key) ?? 0) & DESIRED) !== 0;
  }

  has(key: K): boolean {
    return ((this.#state.get(key) ?? 0) & ACTUAL) !== 0;
  }

  setDesired(key: K): void {
    this.#put(key, DESIRED, true);
  }

  removeDesired(key: K): void {
    this.#put(key, DESIRED, false);
  }

  /** Exactly these are desired. */
  replaceDesired(keys: ReadonlySet<K>): void {
    for (const [key, state] of [...this.#state]) if (state & DESIRED && !keys.has(key)) this.removeDesired(key);
    for (const key of keys) this.setDesired(key);
  }

  setActual(key: K): void {
    this.#put(key, ACTUAL, true);
  }

  removeActual(key: K): void {
    this.#put(key, ACTUAL, false);
  }

  /** Exactly these are there. */
  replaceActual(keys: ReadonlySet<K>): void {
    for (const [key, state] of [...this.#state]) if (state & ACTUAL && !keys.has(key)) this.removeActual(key);
    for (const key of keys) this.setActual(key);
  }

  *desired(): Generator<K> {
    for (const [key, state] of this.#state) if (state & DESIRED) yield key;
  }

  *actual(): Generator<K> {
    for (const [key, state] of this.#state) if (state & ACTUAL) yield key;
  }

  /** Desired and absent. */
  get pendingAdds(): ReadonlySet<K> {
    return this.#adds;
  }

  /** There and not desired. */
  get pendingRemoves(): ReadonlySet<K> {
    return this.#removes;
  }

  #put(key: K, bit: number, on: boolean): void {
    const before = this.#state.get(key) ?? 0;
    const after = on ? before | bit : before & ~bit;
    if (after === before) return;
    if (bit === DESIRED) this.#desiredCount += on ? 1 : -1;
    if (after === 0) this.#state.delete(key);
    else this.#state.set(key, after);
    if (after === DESIRED) this.#adds.add(key);
    else this.#adds.delete(key);
    if (after === ACTUAL) this.#removes.add(key);
    else this.#removes.delete(key);
  }
}
