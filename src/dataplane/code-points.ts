/** The code points (DSCP) of workloads, and the rules that mark with them. Costs nothing while no endpoint has one. */
import type { LocalWorkload } from '../calc/index.ts';
import { type IdKey, type IPPool, idKey, type ResourceId } from '../model/index.ts';
import type { Family } from '../net/index.ts';
import { type Chain, dscpChains, dscpHook } from '../rules/index.ts';
import type { Tables } from './tables.ts';

export class CodePoints {
  readonly #tables: Tables;
  readonly #marked = new Map<string, LocalWorkload>();
  readonly #pools = new Map<IdKey, IPPool>();
  #touched = false;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  /** Undefined: nobody has the interface any more. */
  set(interfaceName: string, owner: LocalWorkload | undefined): void {
    const had = this.#marked.delete(interfaceName);
    const has = owner?.endpoint.qos?.dscp !== undefined;
    if (has) this.#marked.set(interfaceName, owner);
    this.#touched ||= had || has;
  }

  setPool(id: ResourceId, pool: IPPool | null): void {
    if (pool) this.#pools.set(idKey(id), pool);
    else this.#pools.delete(idKey(id));
    this.#touched ||= this.#marked.size > 0;
  }

  settle(): void {
    if (!this.#touched) return;
    const endpoints = [...this.#marked.values()].map(({ endpoint }) => endpoint);
    const chains = (family: Family): Chain[] => dscpChains(endpoints, this.#pools.values(), family);
    this.#tables.offer(['mangle'], chains);
    // What nothing leads to any more is not in the kernel.
    this.#tables.setHook('mangle', 'POSTROUTING', (family) => dscpHook(chains(family)));
    this.#touched = false;
  }
}
