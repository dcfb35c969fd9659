/** Jobs that can fail as a whole: one that does waits, later each time, and is in nobody's way meanwhile. */
import { Backoff } from '../reconcile/index.ts';

export interface JobFailure {
  readonly error: unknown;
  /** In ms of `performance.now`. */
  readonly at: number;
}

export class Jobs<J> {
  readonly #backoff = new Backoff<J>();
  readonly #failures = new Map<J, JobFailure>();

  /** Why jobs wait. */
  get failures(): ReadonlyMap<J, JobFailure> {
    return this.#failures;
  }

  /** Those whose time (ms) has come need not wait any more. */
  release(now: number): void {
    this.#backoff.takeDue(now);
  }

  /** When the first one may be tried again; null: none waits. */
  nextDue(): number | null {
    return this.#backoff.nextDue();
  }

  /** Runs the job unless it waits. True when it is done. */
  async run(job: J, work: () => void | Promise<void>): Promise<boolean> {
    if (this.#backoff.waits(job)) return false;
    try {
      await work();
      this.#backoff.forget(job);
      this.#failures.delete(job);
      return true;
    } catch (error) {
      const at = performance.now();
      this.#backoff.failed(job, at);
      this.#failures.set(job, { error, at });
      return false;
    }
  }
}
