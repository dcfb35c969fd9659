/** When each kernel table is to be compared with what it should hold: on a timer, or because something went wrong. */
export type Audit = 'iptables' | 'routes' | 'ipsets' | 'links';

export class Audits {
  readonly #due = new Set<Audit>();
  readonly #timers: NodeJS.Timeout[] = [];
  /** Those that wait for their time. */
  readonly #later = new Map<Audit, NodeJS.Timeout>();
  readonly #onDue: () => void;

  /** Seconds between two audits of a table; 0: none on a timer. */
  constructor(intervals: Readonly<Partial<Record<Audit, number>>>, onDue: () => void) {
    this.#onDue = onDue;
    for (const [audit, seconds] of Object.entries(intervals) as [Audit, number][])
      if (seconds > 0) this.#timers.push(setInterval(() => this.#fire(audit), seconds * 1000));
  }

  demand(audit: Audit): void {
    this.#due.add(audit);
  }

  /** Once, so many seconds from now, or from the call before that waits still. */
  demandLater(audit: Audit, seconds: number): void {
    if (!this.#later.has(audit))
      this.#later.set(
        audit,
        setTimeout(() => this.#fire(audit), seconds * 1000),
      );
  }

  #fire(audit: Audit): void {
    this.#later.delete(audit);
    this.#due.add(audit);
    this.#onDue();
  }

  /** What is to be read. */
  get due(): ReadonlySet<Audit> {
    return this.#due;
  }

  done(audit: Audit): void {
    this.#due.delete(audit);
  }

  close(): void {
    for (const timer of [...this.#timers, ...this.#later.values()]) clearInterval(timer);
  }
}
