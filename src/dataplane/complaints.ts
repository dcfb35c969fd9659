/** What the log is told of what is not done: once, again when the reason is another, and once that it is done. */
import type { Log } from './log.ts';

export class Complaints {
  readonly #log: Pick<Log, 'info' | 'warn'>;
  /** Subject → the reason told last. */
  readonly #told = new Map<string, string>();

  constructor(log: Pick<Log, 'info' | 'warn'>) {
    this.#log = log;
  }

  /** What is not done, each with the reason. */
  get open(): ReadonlyMap<string, string> {
    return this.#told;
  }

  /** `errors`: of this round; `waits`: whether something that failed in a round before waits still, and so is not in them. */
  settle(errors: ReadonlyMap<string, unknown>, waits: (subject: string) => boolean): void {
    for (const [subject, error] of errors) {
      const reason = String(error);
      if (this.#told.get(subject) === reason) continue;
      this.#told.set(subject, reason);
      this.#log.warn({ subject, error: reason }, 'not done, to be tried again');
    }
    for (const subject of [...this.#told.keys()]) {
      if (errors.has(subject) || waits(subject)) continue;
      this.#told.delete(subject);
      this.#log.info({ subject }, 'what could not be done is done, or not wanted any more');
    }
  }
}
