/** Chains that the kernel refused. Another stands in for each, until it changes or a later try of it succeeds. */
import { Backoff } from '../../reconcile/index.ts';

/** What the kernel said to a chain. */
export interface ChainRefusal {
  readonly reason: string;
  /** The rule that it refuses, from 0; null: it does not say which. */
  readonly rule: number | null;
}

interface Refused extends ChainRefusal {
  /** It is being tried again: nothing stands in for it. */
  readonly retried: boolean;
}

/** A try costs legacy iptables a copy of its whole table. */
const LONGEST_WAIT_MS = 300_000;

export class Refusals {
  readonly #byChain = new Map<string, Refused>();
  readonly #backoff = new Backoff<string>(LONGEST_WAIT_MS);

  get all(): ReadonlyMap<string, ChainRefusal> {
    return this.#byChain;
  }

  standsIn(chain: string): boolean {
    return this.#byChain.get(chain)?.retried === false;
  }

  /** Time in ms. */
  add(chain: string, { reason, rule }: ChainRefusal, now: number): void {
    this.#byChain.set(chain, { reason, rule, retried: false });
    this.#backoff.failed(chain, now);
  }

  /** More is known about why it was refused. */
  explain(chain: string, { reason, rule }: ChainRefusal): void {
    const known = this.#byChain.get(chain);
    if (known) this.#byChain.set(chain, { ...known, reason, rule });
  }

  /** The chain has changed or is gone. */
  forget(chain: string): void {
    this.#byChain.delete(chain);
    this.#backoff.forget(chain);
  }

  /** The chain has been written. */
  written(chain: string): void {
    if (this.#byChain.get(chain)?.retried) this.forget(chain);
  }

  /** Those whose time has come (by default all) are tried again. */
  retry(now = Number.POSITIVE_INFINITY): string[] {
    const due = this.#backoff.takeDue(now);
    for (const chain of due) this.#byChain.set(chain, { ...(this.#byChain.get(chain) as Refused), retried: true });
    return due;
  }

  /** When the first is to be tried again; null: none waits. */
  nextTry(): number | null {
    return this.#backoff.nextDue();
  }
}
