/** Values by prefix: which is the smallest that holds an address, or a prefix? */
import { addressOf, type Cidr, cidrOf, lengthOf } from '../net/index.ts';

export class PrefixMap<V> {
  readonly #values = new Map<Cidr, V>();
  /** How many prefixes there are of each length, IPv4 and IPv6 together. */
  readonly #counts = new Map<number, number>();
  /** Those lengths, the longest first. */
  #lengths: readonly number[] = [];

  set(prefix: Cidr, value: V): void {
    if (!this.#values.has(prefix)) this.#count(lengthOf(prefix), 1);
    this.#values.set(prefix, value);
  }

  delete(prefix: Cidr): void {
    if (this.#values.delete(prefix)) this.#count(lengthOf(prefix), -1);
  }

  smallest(prefix: Cidr): V | undefined {
    const address = addressOf(prefix);
    const own = lengthOf(prefix);
    for (const length of this.#lengths) {
      const value = length <= own ? this.#values.get(cidrOf(address, length)) : undefined;
      if (value !== undefined) return value;
    }
    return undefined;
  }

  #count(length: number, by: 1 | -1): void {
    const count = (this.#counts.get(length) ?? 0) + by;
    if (count > 0) this.#counts.set(length, count);
    else this.#counts.delete(length);
    if (count < 2) this.#lengths = [...this.#counts.keys()].sort((a, b) => b - a);
  }
}
