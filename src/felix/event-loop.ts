/**
 * How long the event loop is kept from its next turn. Measured once a turn, so that nothing wakes an idle process for it.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const NANO = 1e9;

export class EventLoop {
  readonly #histogram = monitorEventLoopDelay({ samplePerIteration: true });

  constructor() {
    this.#histogram.enable();
  }

  /** Forgets what was measured: what a start takes says nothing of what comes after. */
  startOver(): void {
    this.#histogram.reset();
  }

  get turns(): number {
    return this.#histogram.count;
  }

  /** Seconds, the longest turn. */
  get longest(): number {
    return this.turns === 0 ? 0 : this.#histogram.max / NANO;
  }

  /** Seconds, all turns together. */
  get total(): number {
    return this.turns === 0 ? 0 : (this.#histogram.mean * this.turns) / NANO;
  }

  /** How many turns took no longer. The histogram knows values by their share only, so that the share is searched. */
  turnsWithin(seconds: number): number {
    if (this.turns === 0 || this.longest <= seconds) return this.turns;
    let [low, high] = [0, 100];
    for (let i = 0; i < 40; i++) {
      const middle = (low + high) / 2;
      if (this.#histogram.percentile(Math.max(middle, Number.MIN_VALUE)) <= seconds * NANO) low = middle;
      else high = middle;
    }
    return Math.round((low / 100) * this.turns);
  }
}
