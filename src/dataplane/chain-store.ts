/**
 * The chains of one table of one family, of which only those that something leads to are in the kernel.
 *
 * Managers offer chains as they come; a chain is lowered, rendered and written when the first rule names it, and goes
 * when the last such rule does. So a policy is offered to every table, and costs only those where an endpoint uses it.
 */
import type { SetGap } from '../drivers/ipset/index.ts';
import type { Table } from '../drivers/iptables/index.ts';
import {
  type Chain,
  FAILSAFE_CHAINS,
  type Hook,
  ipsetName,
  lower,
  type RenderOptions,
  type Rule,
  renderChain,
  renderRules,
  type TableChains,
} from '../rules/index.ts';
import { type Doubt, doubts } from './set-safety.ts';

interface Active {
  /** The chain and what it was lowered to beside it. */
  readonly written: readonly string[];
  readonly targets: readonly string[];
}

const DROP: Rule = { match: {}, action: { type: 'drop' }, origin: { type: 'plumbing' }, comment: 'Closed' };
const FAILSAFES = new Set(Object.values(FAILSAFE_CHAINS));

export class ChainStore {
  readonly #table: Table;
  readonly #options: RenderOptions;
  readonly #offered = new Map<string, Chain>();
  /** How many rules that are in the kernel name a chain. */
  readonly #references = new Map<string, number>();
  readonly #active = new Map<string, Active>();
  readonly #hookTargets = new Map<Hook, readonly string[]>();
  /** Sets by their names in the kernel. */
  readonly #gaps: ReadonlyMap<string, SetGap>;
  /** Chains in the kernel that name such a set. */
  readonly #doubtful = new Map<string, readonly Doubt[]>();

  constructor(table: Table, options: RenderOptions, gaps: ReadonlyMap<string, SetGap> = new Map()) {
    this.#table = table;
    this.#options = options;
    this.#gaps = gaps;
  }

  /** Chains in the kernel with rules that name sets which are not as desired. */
  get doubtful(): ReadonlyMap<string, readonly Doubt[]> {
    return this.#doubtful;
  }

  /** What rule of an offered chain the kernel's (from 0) belongs to. */
  ruleAt(name: string, number: number): Rule | undefined {
    const chain = this.#offered.get(name);
    const lowered = chain ? (lower(chain)[0]?.rules.slice(number) ?? []) : [];
    // What a rule is lowered to ends with the rule itself, or with what its verdict became.
    return lowered.find(({ origin }) => origin.type !== 'plumbing') ?? lowered[0];
  }

  /** The gaps of these sets have changed: chains that name them are closed, or opened again. */
  recheck(sets: ReadonlySet<string>): void {
    for (const name of [...this.#active.keys()]) {
      const chain = this.#offered.get(name);
      if (chain && namesAny(chain.rules, (set) => sets.has(this.#kernelName(set)))) this.#activate(chain);
    }
  }

  offer(chain: Chain): void {
    this.#offered.set(chain.name, chain);
    if (this.#references.has(chain.name)) this.#activate(chain);
  }

  withdraw(name: string): void {
    this.#offered.delete(name);
    this.#deactivate(name);
  }

  /** The static part: chains, and the kernel's chains that lead to them. */
  offerTable({ chains, hooks }: TableChains): void {
    for (const chain of chains.values()) this.offer(chain);
    for (const [hook, { entry, end }] of Object.entries(hooks)) this.setHook(hook as Hook, entry, end);
  }

  /** What one of the kernel's chains has of ours. */
  setHook(hook: Hook, entry: readonly Rule[], end: readonly Rule[] = []): void {
    const before = this.#hookTargets.get(hook) ?? [];
    const targets = targetsOf([...entry, ...end]);
    if (before.length === 0 && targets.length === 0) return;
    const render = (rules: readonly Rule[]) => renderRules(hook, rules, this.#options);
    for (const target of targets) this.#acquire(target);
    this.#table.setHook(hook, { entry: render(entry), end: render(end) });
    this.#hookTargets.set(hook, targets);
    for (const target of before) this.#release(target);
  }

  #activate(chain: Chain): void {
    const before = this.#active.get(chain.name);
    const lowered = lower(this.#isUnsafe(chain) ? standInFor(chain) : chain);
    const written = lowered.map(({ name }) => name);
    const targets = targetsOf(chain.rules);
    this.#active.set(chain.name, { written, targets });
    for (const target of targets) this.#acquire(target);
    const standIn = hasFailsafes(chain) ? renderChain(standInFor(chain), this.#options).rules : undefined;
    for (const part of lowered)
      this.#table.setChain(renderChain(part, this.#options), part.name === chain.name ? standIn : undefined);
    for (const name of before?.written ?? []) if (!written.includes(name)) this.#table.removeChain(name);
    for (const target of before?.targets ?? []) this.#release(target);
  }

  #deactivate(name: string): void {
    const active = this.#active.get(name);
    if (!active) return;
    this.#active.delete(name);
    this.#doubtful.delete(name);
    for (const part of active.written) this.#table.removeChain(part);
    for (const target of active.targets) this.#release(target);
  }

  #isUnsafe({ name, rules }: Chain): boolean {
    const found = this.#gaps.size > 0 ? doubts(rules, (set) => this.#gaps.get(this.#kernelName(set))) : [];
    if (found.length > 0) this.#doubtful.set(name, found);
    else this.#doubtful.delete(name);
    return found.some(({ unsafe }) => unsafe);
  }

  #kernelName(set: string): string {
    return ipsetName(set, this.#options.family);
  }

  #acquire(name: string): void {
    const count = this.#references.get(name) ?? 0;
    this.#references.set(name, count + 1);
    const chain = this.#offered.get(name);
    if (count === 0 && chain) this.#activate(chain);
  }

  #release(name: string): void {
    const count = (this.#references.get(name) ?? 0) - 1;
    if (count > 0) this.#references.set(name, count);
    else {
      this.#references.delete(name);
      this.#deactivate(name);
    }
  }
}

function targetsOf(rules: readonly Rule[]): string[] {
  return rules.flatMap(({ action }) => {
    if (action.type === 'jump' || action.type === 'goto') return [action.chain];
    return action.type === 'dispatch' ? [...action.table.values()] : [];
  });
}

/**
 * What stands in for a chain that cannot be written. Before a host's failsafe ports comes what lets their answers through:
 * a policy that cannot be programmed must not lock out whoever could mend it. The chain of failsafe ports itself only
 * accepts: without it policy decides.
 */
function standInFor({ name, rules }: Chain): Chain {
  const end = rules.findLastIndex(leadsToFailsafes) + 1;
  return { name, rules: FAILSAFES.has(name) ? [] : [...rules.slice(0, end), DROP] };
}

const hasFailsafes = ({ name, rules }: Chain): boolean => FAILSAFES.has(name) || rules.some(leadsToFailsafes);

const leadsToFailsafes = ({ action }: Rule): boolean => action.type === 'jump' && FAILSAFES.has(action.chain);

function namesAny(rules: readonly Rule[], test: (set: string) => boolean): boolean {
  return rules.some(({ match: { source = {}, destination = {} } }) =>
    [source, destination].some(({ sets = [], notSets = [], portSets = [], notPortSets = [] }) =>
      [sets, notSets, portSets, notPortSets].some((list) => list.some(test)),
    ),
  );
}
