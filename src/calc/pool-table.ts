/** IP pools by prefix: which is the one that an address, or a block of them, belongs to? */
import type { IdKey, IPPool } from '../model/index.ts';
import { addressOf, type Cidr, cidrOf, lengthOf } from '../net/index.ts';

export class PoolTable {
  readonly #byId = new Map<IdKey, IPPool>();
  readonly #byPrefix = new Map<Cidr, IPPool>();
  /** How many pools there are of each prefix length, IPv4 and IPv6 together. */
  readonly #lengths = new Map<number, number>();

  /** Returns the prefixes in which pools are other ones now. */
  set(key: IdKey, pool: IPPool | null): Cidr[] {
    const before = this.#byId.get(key);
    if (before) this.#remove(key, before);
    if (pool) this.#add(key, pool);
    if (before && pool && before.cidr === pool.cidr && before.vxlan === pool.vxlan) return [];
    return [...new Set([before, pool].flatMap((one) => (one ? [one.cidr] : [])))];
  }

  /** The smallest pool that holds the prefix. */
  poolOf(prefix: Cidr): IPPool | undefined {
    const address = addressOf(prefix);
    const own = lengthOf(prefix);
    const lengths = [...this.#lengths.keys()].filter((length) => length <= own).sort((a, b) => b - a);
    for (const length of lengths) {
      const pool = this.#byPrefix.get(cidrOf(address, length));
      if (pool) return pool;
    }
    return undefined;
  }

  #add(key: IdKey, pool: IPPool): void {
    this.#byId.set(key, pool);
    this.#byPrefix.set(pool.cidr, pool);
    this.#count(pool, 1);
  }

  #remove(key: IdKey, pool: IPPool): void {
    this.#byId.delete(key);
    this.#count(pool, -1);
    const other = [...this.#byId.values()].find(({ cidr }) => cidr === pool.cidr);
    if (other) this.#byPrefix.set(pool.cidr, other);
    else this.#byPrefix.delete(pool.cidr);
  }

  #count({ cidr }: IPPool, by: 1 | -1): void {
    const length = lengthOf(cidr);
    const count = (this.#lengths.get(length) ?? 0) + by;
    if (count > 0) this.#lengths.set(length, count);
    else this.#lengths.delete(length);
  }
}
