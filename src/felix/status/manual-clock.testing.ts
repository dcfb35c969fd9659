/** A `sleep` whose time passes when a test says so. */
interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

export class ManualClock {
  now = 0;
  readonly #sleepers = new Set<Sleeper>();

  readonly sleep = (milliseconds: number, signal: AbortSignal): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sleeper = { until: this.now + milliseconds, wake: resolve };
    this.#sleepers.add(sleeper);
    signal.addEventListener('abort', () => {
      this.#sleepers.delete(sleeper);
      reject(signal.reason);
    });
    return promise;
  };

  /** Time passes, from sleeper to sleeper; what each does is done before the next wakes. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.now + milliseconds;
    await settled();
    for (;;) {
      const [next] = [...this.#sleepers].filter(({ until }) => until <= end).sort((a, b) => a.until - b.until);
      if (!next) break;
      this.now = Math.max(this.now, next.until);
      this.#sleepers.delete(next);
      next.wake();
      await settled();
    }
    this.now = end;
  }
}

/** After everything that is on its way and waits for no timer. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}
