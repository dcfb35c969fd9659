/** Jobs that can fail as a whole: one that does waits, later each time, and is in nobody's way meanwhile. */
import type { Family } from '../net/index.ts';
import { Backoff } from '../reconcile/index.ts';
import type { Audit } from './audits.ts';

/**
 * What can fail as a whole, in words: the first reading of all, a round; what of it is not in the way of chains; the reading
 * of a table; of each family the chains, and what leads to workloads.
 */
export type Job = 'start' | 'round' | 'removal of routes' | 'bandwidths' | 'connections' | AuditJob | FamilyJob;
type AuditJob = `reading of ${Audit}`;
type FamilyJob = `${'chains' | 'routes'} of IPv${Family}`;

export interface JobFailure {
  readonly error: unknown;
  /** In ms of `performance.now`. */
  readonly at: number;
}

export class Jobs {
  readonly #backoff = new Backoff<Job>();
  readonly #failures = new Map<Job, JobFailure>();

  /** Why jobs wait. */
  get failures(): ReadonlyMap<Job, JobFailure> {
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
  async run(job: Job, work: () => void | Promise<void>): Promise<boolean> {
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
