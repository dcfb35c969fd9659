/** The iptables of every family, as managers see them: one place to offer a chain to all. */
import type { SetGap } from '../drivers/ipset/index.ts';
import type { Iptables } from '../drivers/iptables/index.ts';
import { idText } from '../model/index.ts';
import type { Family } from '../net/index.ts';
import {
  type Chain,
  type Hook,
  ipsetName,
  type Rule,
  type RulesConfig,
  staticTables,
  type TableName,
} from '../rules/index.ts';
import { ChainStore } from './chain-store.ts';

/** A chain as one table of one family has it. */
export type Recipe = (family: Family, table: TableName) => Chain;

const NAMES: readonly TableName[] = ['raw', 'mangle', 'nat', 'filter'];

export class Tables {
  readonly families: readonly Family[];
  readonly #backends: readonly Iptables[];
  readonly #stores = new Map<Family, Readonly<Record<TableName, ChainStore>>>();
  /** By chain: compiled when something leads there, and not kept. */
  readonly #recipes = new Map<string, Recipe>();

  /** `gaps`: sets that are not as desired, by their names in the kernel; `recheck` is called when they change. */
  constructor(backends: readonly Iptables[], config: RulesConfig, gaps: ReadonlyMap<string, SetGap>) {
    this.#backends = backends;
    this.families = backends.map(({ family }) => family);
    for (const { family, tables } of backends) {
      const options = { family, marks: config.marks, randomFully: true };
      const store = (name: TableName) =>
        new ChainStore(tables[name], options, { gaps, find: (chain) => this.#recipes.get(chain)?.(family, name) });
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

  /** A chain for whatever table leads there. */
  offerRecipe(chain: string, recipe: Recipe): void {
    this.#recipes.set(chain, recipe);
    this.#changed(chain);
  }

  withdrawRecipe(chain: string): void {
    if (this.#recipes.delete(chain)) this.#changed(chain);
  }

  #changed(chain: string): void {
    for (const stores of this.#stores.values()) for (const name of NAMES) stores[name].changed(chain);
  }

  /** As if something in the table led to the chain, until it is let go. */
  hold(table: TableName, chain: string): void {
    for (const stores of this.#stores.values()) stores[table].acquire(chain);
  }

  letGo(table: TableName, chain: string): void {
    for (const stores of this.#stores.values()) stores[table].release(chain);
  }

  /** What leads from one of the kernel's chains into ours. */
  setHook(table: TableName, hook: Hook, entry: (family: Family) => readonly Rule[]): void {
    for (const [family, stores] of this.#stores) stores[table].setHook(hook, entry(family));
  }

  withdraw(tables: readonly TableName[], chains: readonly string[]): void {
    for (const stores of this.#stores.values())
      for (const name of tables) for (const chain of chains) stores[name].withdraw(chain);
  }

  /** Closes chains that must not be trusted with these sets, or opens them again. */
  recheck(sets: ReadonlySet<string>): void {
    if (sets.size === 0) return;
    for (const stores of this.#stores.values()) for (const name of NAMES) stores[name].recheck(sets);
  }

  /** Tries again to make chains that could not be made. */
  mend(): void {
    for (const stores of this.#stores.values()) for (const name of NAMES) stores[name].mend();
  }

  /** Chains that cannot be made, each with the error. */
  *broken(): Generator<{ readonly chain: string; readonly subject: string; readonly error: unknown }> {
    for (const [family, stores] of this.#stores)
      for (const name of NAMES)
        for (const [chain, error] of stores[name].broken)
          yield { chain, subject: `IPv${family} ${name} ${chain}`, error };
  }

  /** By chain: what is wrong about it, in words that name the rule. Costs what is wrong. */
  problems(): Map<string, string[]> {
    const found = new Map<string, string[]>();
    const add = (chain: string, text: string) => found.set(chain, [...(found.get(chain) ?? []), text]);
    for (const backend of this.#backends) {
      const stores = this.#stores.get(backend.family)!;
      for (const { table, chain, refusal } of backend.refusals()) {
        const rule = refusal.rule === null ? undefined : stores[table].ruleAt(chain, refusal.rule);
        const reason = refusal.reason.split('\n').join(' ');
        add(chain, `${describe(rule, chain)}: refused by IPv${backend.family} iptables, table ${table}: ${reason}`);
      }
      for (const table of NAMES) {
        for (const [chain, doubts] of stores[table].doubtful)
          for (const { rule, set, gap } of doubts)
            add(chain, `${describe(rule, chain)}: set ${ipsetName(set, backend.family)}: ${gap.reason}`);
      }
    }
    for (const { chain, subject, error } of this.broken()) add(chain, `${subject} is closed: ${String(error)}`);
    return new Map([...found].map(([chain, texts]) => [chain, [...new Set(texts)]]));
  }
}

function describe(rule: Rule | undefined, chain: string): string {
  const origin = rule?.origin;
  return origin?.type === 'policy' ? `${idText(origin.id)}, ${origin.direction} rule ${origin.rule}` : `chain ${chain}`;
}
