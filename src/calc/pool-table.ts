/** IP pools by prefix: which is the one that an address, or a block of them, belongs to? */
import type { IdKey, IPPool } from '../model/index.ts';
import type { Cidr } from '../net/index.ts';
import { PrefixMap } from './prefix-map.ts';

export class PoolTable {
  readonly #byId = new Map<IdKey, IPPool>();
  readonly #byPrefix = new PrefixMap<IPPool>();

  /** Returns the prefixes in which pools are other ones now. */
  set(key: IdKey, pool: IPPool | null): Cidr[] {
    const before = this.#byId.get(key);
    if (before) this.#remove(key, before);
    if (pool) {
      this.#byId.set(key, pool);
      this.#byPrefix.set(pool.cidr, pool);
    }
    if (before && pool && sameWay(before, pool)) return [];
    return [...new Set([before, pool].flatMap((one) => (one ? [one.cidr] : [])))];
  }

  /** The smallest pool that holds the prefix. */
  poolOf(prefix: Cidr): IPPool | undefined {
    return this.#byPrefix.smallest(prefix);
  }

  /** Do some pools use IP-in-IP? */
  get hasIpip(): boolean {
    return [...this.#byId.values()].some(({ ipip }) => ipip !== 'never');
  }

  #remove(key: IdKey, pool: IPPool): void {
    this.#byId.delete(key);
    const other = [...this.#byId.values()].find(({ cidr }) => cidr === pool.cidr);
    if (other) this.#byPrefix.set(pool.cidr, other);
    else this.#byPrefix.delete(pool.cidr);
  }
}

const sameWay = (a: IPPool, b: IPPool): boolean => a.cidr === b.cidr && a.vxlan === b.vxlan && a.ipip === b.ipip;
