/**
 * A table of keys and values: what is desired, what is there, and what of it differs.
 *
 * Every change moves only its own key in or out of the pending sets, so the cost of a round is that of what changed.
 * Whoever writes tells what was reached (`actual.set`, `actual.delete`), or that it failed (`failed`): the key then
 * waits its back-off before it is pending again, unless what is desired of it changes first.
 */
import type { CalicoError } from '../errors/index.ts';
import { Backoff } from './backoff.ts';

export class Tracker<K, V> {
  readonly #desired = new Map<K, V>();
  readonly #actual = new Map<K, V>();
  readonly #writes = new Set<K>();
  readonly #deletes = new Set<K>();
  readonly #backoff = new Backoff<K>();
  readonly #failures = new Map<K, CalicoError>();
  readonly #equal: (a: V, b: V) => boolean;

  constructor(equal: (a: V, b: V) => boolean = Object.is) {
    this.#equal = equal;
  }

  get desired(): ReadonlyMap<K, V> {
    return this.#desired;
  }

  get actual(): ReadonlyMap<K, V> {
    return this.#actual;
  }

  /** Why what is desired of these keys is not there, until it is, or something else is desired. */
  get failures(): ReadonlyMap<K, CalicoError> {
    return this.#failures;
  }

  setDesired(key: K, value: V): void {
    this.#desired.set(key, value);
    this.#forgive(key);
    this.#compare(key);
  }

  removeDesired(key: K): void {
    if (!this.#desired.delete(key)) return;
    this.#forgive(key);
    this.#compare(key);
  }

  /** This is there now: written, or seen. */
  setActual(key: K, value: V): void {
    this.#actual.set(key, value);
    this.#compare(key);
  }

  /** This is not there (any more). */
  removeActual(key: K): void {
    this.#actual.delete(key);
    this.#compare(key);
  }

  /** Exactly these are there: after reading the whole table. */
  replaceActual(entries: ReadonlyMap<K, V>): void {
    for (const key of [...this.#actual.keys()]) if (!entries.has(key)) this.removeActual(key);
    for (const [key, value] of entries) this.setActual(key, value);
  }

  /** The operation on this key failed at that time (ms): it is left alone for a while. No reason: nobody need hear of it. */
  failed(key: K, now: number, reason?: CalicoError): void {
    this.#backoff.failed(key, now);
    if (reason) this.#failures.set(key, reason);
    else this.#failures.delete(key);
    this.#compare(key);
  }

  /** Keys whose back-off is over become pending again. */
  release(now: number): void {
    for (const key of this.#backoff.takeDue(now)) this.#compare(key);
  }

  /** When the first failed key is due; null when none waits. */
  nextDue(): number | null {
    return this.#backoff.nextDue();
  }

  /** Keys to be written: desired, and absent or different. To be read out before the table is changed. */
  get pendingWrites(): ReadonlySet<K> {
    return this.#writes;
  }

  /** Keys to be deleted: there, and not desired. */
  get pendingDeletes(): ReadonlySet<K> {
    return this.#deletes;
  }

  #compare(key: K): void {
    const wanted = this.#desired.get(key);
    const there = this.#actual.get(key);
    const write = wanted !== undefined && (there === undefined || !this.#equal(wanted, there));
    const remove = wanted === undefined && there !== undefined;
    if (!write && !remove) this.#forgive(key);
    const waits = this.#backoff.waits(key);
    mark(this.#writes, key, write && !waits);
    mark(this.#deletes, key, remove && !waits);
  }

  #forgive(key: K): void {
    this.#backoff.forget(key);
    this.#failures.delete(key);
  }
}

function mark<K>(set: Set<K>, key: K, on: boolean): void {
  if (on) set.add(key);
  else set.delete(key);
}
