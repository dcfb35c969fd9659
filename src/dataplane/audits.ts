/** When each kernel table is to be compared with what it should hold: on a timer, or because something went wrong. */
export type Audit = 'iptables' | 'routes' | 'ipsets' | 'links';

export class Audits {
  readonly #due = new Set<Audit>();
  readonly #timers: NodeJS.Timeout[] = [];

  /** Seconds between two audits of a table; 0: none on a timer. */
  constructor(intervals: Readonly<Partial<Record<Audit, number>>>, onDue: () => void) {
    for (const [audit, seconds] of Object.entries(intervals) as [Audit, number][]) {
      if (seconds <= 0) continue;
      const fire = (): void => {
        this.#due.add(audit);
        onDue();
      };
      this.#timers.push(setInterval(fire, seconds * 1000));
    }
  }

  demand(audit: Audit): void {
    this.#due.add(audit);
  }

  /** What is to be read. */
  get due(): ReadonlySet<Audit> {
    return this.#due;
  }

  done(audit: Audit): void {
    this.#due.delete(audit);
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }
}
