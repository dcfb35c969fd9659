/** The iptables of every family, as managers see them: one place to offer a chain to all. */
import type { Iptables } from '../drivers/iptables/index.ts';
import type { Family } from '../net/index.ts';
import { type Chain, type Hook, type Rule, type RulesConfig, staticTables, type TableName } from '../rules/index.ts';
import { ChainStore } from './chain-store.ts';

const NAMES: readonly TableName[] = ['raw', 'mangle', 'nat', 'filter'];

export class Tables {
  readonly families: readonly Family[];
  readonly #stores = new Map<Family, Readonly<Record<TableName, ChainStore>>>();

  constructor(backends: readonly Iptables[], config: RulesConfig) {
    this.families = backends.map(({ family }) => family);
    for (const { family, tables } of backends) {
      const options = { family, marks: config.marks, randomFully: true };
      const store = (name: TableName) => new ChainStore(tables[name], options);
      this.#stores.set(family, {
        raw: store('raw'),
        mangle: store('mangle'),
        nat: store('nat'),
        filter: store('filter'),
      });
    }
  }

  /** What depends on configuration only. */
  offerStatic(config: RulesConfig): void {
    for (const [family, stores] of this.#stores) {
      const tables = staticTables(config, family);
      for (const name of NAMES) stores[name].offerTable(tables[name]);
    }
  }

  /** The same chains for every family, or what a function makes for each. */
  offer(tables: readonly TableName[], chains: readonly Chain[] | ((family: Family) => readonly Chain[])): void {
    for (const [family, stores] of this.#stores) {
      const offered = typeof chains === 'function' ? chains(family) : chains;
      for (const name of tables) for (const chain of offered) stores[name].offer(chain);
    }
  }

  /** What leads from one of the kernel's chains into ours. */
  setHook(table: TableName, hook: Hook, entry: (family: Family) => readonly Rule[]): void {
    for (const [family, stores] of this.#stores) stores[table].setHook(hook, entry(family));
  }

  withdraw(tables: readonly TableName[], chains: readonly string[]): void {
    for (const stores of this.#stores.values())
      for (const name of tables) for (const chain of chains) stores[name].withdraw(chain);
  }
}
