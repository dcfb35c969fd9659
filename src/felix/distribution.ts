/** What has been measured: how often, how much together, and how the latest were spread. */
const LATEST = 512;

export class Distribution {
  count = 0;
  sum = 0;
  readonly #latest: number[] = [];

  add(value: number): void {
    this.#latest[this.count % LATEST] = value;
    this.count++;
    this.sum += value;
  }

  /** The least value that this share (0 to 1) of the latest measurements does not exceed; NaN while there are none. */
  quantile(share: number): number {
    const sorted = this.#latest.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
  }
}
