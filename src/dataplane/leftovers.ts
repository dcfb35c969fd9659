/**
 * What other settings have left in the kernel, whether this Felix or an earlier one wrote it: rules over the iptables
 * backend that is not used, and everything of a family that is not kept. While they are there they police, too; so
 * they go only when what takes their place is in the kernel. What takes the place of a family that is not kept any more are
 * rules that close workloads to it: others may forward its packets still.
 */
import { IpSetDriver } from '../drivers/ipset/index.ts';
import { type Backend, Iptables, type Run } from '../drivers/iptables/index.ts';
import { NeighbourDriver } from '../drivers/neighbours/index.ts';
import { RouteDriver, type RouteDriverOptions } from '../drivers/routes/index.ts';
import type { NetlinkSocket } from '../kernel/index.ts';
import type { Family } from '../net/index.ts';
import { closedTable, DISPATCH } from '../rules/index.ts';
import { ChainStore } from './chain-store.ts';
import type { DataplaneConfig } from './config.ts';

export interface Leftovers {
  /** Does the backend that is not used police this family? */
  police(family: Family): Promise<boolean>;
  /** Removes them. E_KERNEL when that does not succeed. */
  clear(): Promise<void>;
}

export interface LeftoversOptions {
  readonly config: DataplaneConfig;
  /** The backend that is used. */
  readonly backend: Backend;
  readonly run: Run;
  readonly netfilter: NetlinkSocket;
  readonly network: Omit<RouteDriverOptions, 'families' | 'graceMs'>;
}

const FAMILIES: readonly Family[] = [4, 6];
const BACKENDS: readonly Backend[] = ['legacy', 'nft'];

export class KernelLeftovers implements Leftovers {
  readonly #options: LeftoversOptions;

  constructor(options: LeftoversOptions) {
    this.#options = options;
  }

  async police(family: Family): Promise<boolean> {
    const tables = await this.#others(family);
    return tables.some((iptables) => iptables.tables.filter.has(DISPATCH.fromWorkload));
  }

  async clear(): Promise<void> {
    for (const family of FAMILIES) {
      const kept = this.#options.config.families.includes(family);
      const others = await this.#others(family);
      if (!kept) await this.#close(family, others.length > 0);
      for (const iptables of others) await iptables.apply();
      if (!kept) this.#removeSets(family);
    }
  }

  /** Of the backends that are not used, those that have chains of ours. */
  async #others(family: Family): Promise<Iptables[]> {
    const others = BACKENDS.filter((backend) => backend !== this.#options.backend);
    return (await Promise.all(others.map((backend) => this.#read(backend, family)))).filter(hasOurs);
  }

  /** Undefined when the host does not have it. */
  async #read(backend: Backend, family: Family): Promise<Iptables | undefined> {
    const { config, run } = this.#options;
    try {
      const iptables = new Iptables({ ...config.iptables, family, backend, run });
      await iptables.load();
      return iptables;
    } catch {
      return undefined;
    }
  }

  /** Nothing leads to workloads any more; then all chains go but those that close their interfaces. */
  async #close(family: Family, policed: boolean): Promise<void> {
    const { backend, config } = this.#options;
    const iptables = await this.#read(backend, family);
    if (!policed && !hasOurs(iptables)) return;
    this.#unroute(family);
    if (!iptables) return;
    const options = { family, marks: config.rules.marks, randomFully: true };
    new ChainStore(iptables.tables.filter, options).offerTable(closedTable(config.rules));
    await iptables.apply();
  }

  #unroute(family: Family): void {
    const options = { ...this.#options.network, families: [family] };
    for (const driver of [new RouteDriver({ ...options, graceMs: 0 }), new NeighbourDriver(options)]) {
      driver.resync();
      driver.apply();
    }
  }

  #removeSets(family: Family): void {
    const { netfilter, network } = this.#options;
    const sets = new IpSetDriver({ socket: netfilter, families: [family], clock: network.clock });
    sets.resync();
    sets.applyRemovals();
  }
}

function hasOurs(iptables: Iptables | undefined): iptables is Iptables {
  return iptables !== undefined && Object.values(iptables.tables).some((table) => table.chainCount > 0);
}
