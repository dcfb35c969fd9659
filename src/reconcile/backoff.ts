/**
 * Which failed keys are to be tried again, and when: after 0.1, 0.2, 0.4 … seconds, then every `longestMs` (30 s).
 *
 * All keys of one level wait equally long, so each level is a queue in order of time, and neither adding nor taking
 * depends on how many wait.
 */
const FIRST_MS = 100;
const LONGEST_MS = 30_000;

export class Backoff<K> {
  readonly #longestMs: number;
  readonly #queues: Map<K, number>[];
  /** The level that a key waits or last waited in. */
  readonly #levels = new Map<K, number>();

  constructor(longestMs = LONGEST_MS) {
    this.#longestMs = longestMs;
    const levels = Math.ceil(Math.log2(longestMs / FIRST_MS)) + 1;
    this.#queues = Array.from({ length: levels }, () => new Map());
  }

  /** The key failed now: it waits, each time longer. */
  failed(key: K, now: number): void {
    const before = this.#levels.get(key);
    if (before !== undefined) this.#queues[before]?.delete(key);
    const level = before === undefined ? 0 : Math.min(before + 1, this.#queues.length - 1);
    this.#levels.set(key, level);
    this.#queues[level]?.set(key, now + Math.min(FIRST_MS * 2 ** level, this.#longestMs));
  }

  /** The key is done, or something about it has changed: it need not wait, and its next failure counts as the first. */
  forget(key: K): void {
    const level = this.#levels.get(key);
    if (level === undefined) return;
    this.#queues[level]?.delete(key);
    this.#levels.delete(key);
  }

  /** Does the key wait? */
  waits(key: K): boolean {
    const level = this.#levels.get(key);
    return level !== undefined && (this.#queues[level]?.has(key) ?? false);
  }

  /** Takes the keys whose time has come; they keep their level until they are forgotten. */
  takeDue(now: number): K[] {
    const due: K[] = [];
    for (const queue of this.#queues) {
      for (const [key, time] of queue) {
        if (time > now) break;
        queue.delete(key);
        due.push(key);
      }
    }
    return due;
  }

  /** When the first key is due; null when none waits. */
  nextDue(): number | null {
    let first: number | null = null;
    for (const queue of this.#queues) {
      for (const time of queue.values()) {
        if (first === null || time < first) first = time;
        break;
      }
    }
    return first;
  }
}
