/** Runs rounds one at a time: what comes during one waits for the next, which takes it all at once. */
export class Rounds {
  readonly #round: () => Promise<void>;
  #running = false;
  #wanted = false;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  /** `round` must not throw. */
  constructor(round: () => Promise<void>) {
    this.#round = round;
  }

  /** A round is wanted soon. */
  want(): void {
    if (this.#closed) return;
    this.#wanted = true;
    if (this.#running) return;
    this.#running = true;
    // After everything that is already on its way: one round for a whole batch.
    setImmediate(() => this.#run());
  }

  /** One is wanted at that time, in ms of `performance.now`; null: none. Replaces the time given before. */
  wantAt(time: number | null): void {
    clearTimeout(this.#timer);
    if (time === null || this.#closed) return;
    this.#timer = setTimeout(() => this.want(), Math.max(0, time - performance.now()) + 1);
  }

  /** Resolves when none is under way; there will be no others. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    while (this.#running) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async #run(): Promise<void> {
    while (this.#wanted && !this.#closed) {
      this.#wanted = false;
      await this.#round();
    }
    this.#running = false;
  }
}
