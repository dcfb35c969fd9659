/** One round of writing sets: what failed in it. */
import type { CalicoError } from '../../errors/index.ts';

export class Attempt {
  /** Milliseconds. */
  readonly now: number;
  readonly errors = new Map<string, CalicoError>();
  readonly #bySet = new Map<string, CalicoError>();

  constructor(now: number) {
    this.now = now;
  }

  /** `subject`: the set, or `set member`. */
  fail(set: string, error: CalicoError, subject = set): void {
    this.errors.set(subject, error);
    if (!this.#bySet.has(set)) this.#bySet.set(set, error);
  }

  /** The first failure of a set. */
  failureOf(set: string): CalicoError | undefined {
    return this.#bySet.get(set);
  }
}
