/**
 * The chains of one table of one family, of which only those that something leads to are in the kernel.
 *
 * Managers offer chains as they come; a chain is lowered, rendered and written when the first rule names it, and goes
 * when the last such rule does. So a policy is offered to every table, and costs only those where an endpoint uses it.
 * What a chain is lowered to, and its text, are made when they are needed and kept by nobody: there are thousands.
 */
import { isDeepStrictEqual } from 'node:util';
import type { SetGap } from '../drivers/ipset/index.ts';
import type { ChainSource, Table } from '../drivers/iptables/index.ts';
import {
  type Chain,
  FAILSAFE_CHAINS,
  type Hook,
  ipsetName,
  lower,
  type RenderedRule,
  type RenderOptions,
  type Rule,
  renderRules,
  type TableChains,
} from '../rules/index.ts';
import { type Doubt, doubts } from './set-safety.ts';

/** Chains that are not kept either, but compiled when they are asked for. The same until `changed` says otherwise. */
export type FindChain = (name: string) => Chain | undefined;

interface Active {
  readonly targets: readonly string[];
  /** The chains that a dispatch in it needs. */
  readonly children: readonly string[];
  /** A closed chain is there instead. */
  readonly unsafe: boolean;
}

/** What most chains are. */
const LEAF: Active = { targets: [], children: [], unsafe: false };
const DROP: Rule = { match: {}, action: { type: 'drop' }, origin: { type: 'plumbing' }, comment: 'Closed' };
const FAILSAFES = new Set(Object.values(FAILSAFE_CHAINS));

export class ChainStore implements ChainSource {
  readonly #table: Table;
  readonly #options: RenderOptions;
  readonly #offered = new Map<string, Chain>();
  readonly #find: FindChain;
  /** Chains with a dispatch and their children, lowered: all of a tree at once, where its chains are asked for singly. */
  readonly #trees = new Map<string, Chain>();
  /** How many rules that are in the kernel name a chain. */
  readonly #references = new Map<string, number>();
  readonly #active = new Map<string, Active>();
  readonly #hookTargets = new Map<Hook, readonly string[]>();
  /** Sets by their names in the kernel. */
  readonly #gaps: ReadonlyMap<string, SetGap>;
  /** Chains in the kernel that name such a set. */
  readonly #doubtful = new Map<string, readonly Doubt[]>();

  constructor(
    table: Table,
    options: RenderOptions,
    { gaps = new Map(), find = () => undefined }: { gaps?: ReadonlyMap<string, SetGap>; find?: FindChain } = {},
  ) {
    this.#table = table;
    this.#options = options;
    this.#gaps = gaps;
    this.#find = find;
  }

  /** Chains in the kernel with rules that name sets which are not as desired. */
  get doubtful(): ReadonlyMap<string, readonly Doubt[]> {
    return this.#doubtful;
  }

  /** What rule of an offered chain the kernel's (from 0) belongs to. */
  ruleAt(name: string, number: number): Rule | undefined {
    const chain = this.#chain(name);
    const lowered = chain ? (lower(chain)[0]?.rules.slice(number) ?? []) : [];
    // What a rule is lowered to ends with the rule itself, or with what its verdict became.
    return lowered.find(({ origin }) => origin.type !== 'plumbing') ?? lowered[0];
  }

  /** The gaps of these sets have changed: chains that name them are closed, or opened again. */
  recheck(sets: ReadonlySet<string>): void {
    for (const name of [...this.#active.keys()]) {
      const chain = this.#chain(name);
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

  /** A chain that is found is another now, or gone. */
  changed(name: string): void {
    if (!this.#references.has(name)) return;
    const chain = this.#chain(name);
    if (chain) this.#activate(chain);
    else this.#deactivate(name);
  }

  rules(name: string): readonly RenderedRule[] {
    const chain = this.#trees.get(name) ?? lower(this.#written(name))[0]!;
    return renderRules(name, chain.rules, this.#options);
  }

  standIn(name: string): readonly RenderedRule[] | undefined {
    const chain = this.#chain(name);
    return chain && hasFailsafes(chain) ? renderRules(name, standInFor(chain).rules, this.#options) : undefined;
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

  #chain(name: string): Chain | undefined {
    return this.#offered.get(name) ?? this.#find(name);
  }

  /** The chain, or what is there instead. */
  #written(name: string): Chain {
    const chain = this.#chain(name)!;
    return this.#active.get(name)?.unsafe ? standInFor(chain) : chain;
  }

  #activate(chain: Chain): void {
    const { name } = chain;
    const before = this.#active.get(name);
    const unsafe = this.#isUnsafe(chain);
    const targets = targetsOf(chain.rules);
    const tree = !unsafe && hasDispatch(chain) ? lower(chain) : [];
    const children = tree.slice(1).map((child) => child.name);
    const plain = targets.length === 0 && children.length === 0 && !unsafe;
    this.#active.set(name, plain ? LEAF : { targets, children, unsafe });
    const [gone, come] = between(before?.targets ?? [], targets);
    for (const target of come) this.#acquire(target);
    if (tree.length > 0) this.#setTree(tree);
    else {
      this.#trees.delete(name);
      this.#table.setChain(name, this);
    }
    this.#removeParts(before?.children.filter((child) => !children.includes(child)));
    for (const target of gone) this.#release(target);
  }

  /** An endpoint that comes or goes touches a chain or two of a tree: the others are not rendered again. */
  #setTree(tree: readonly Chain[]): void {
    for (const part of tree) {
      const before = this.#trees.get(part.name);
      if (before && sameRules(before.rules, part.rules)) continue;
      this.#trees.set(part.name, part);
      this.#table.setChain(part.name, this);
    }
  }

  #deactivate(name: string): void {
    const active = this.#active.get(name);
    if (!active) return;
    this.#active.delete(name);
    this.#doubtful.delete(name);
    this.#removeParts([name, ...active.children]);
    for (const target of active.targets) this.#release(target);
  }

  #removeParts(names: readonly string[] = []): void {
    for (const name of names) {
      this.#trees.delete(name);
      this.#table.removeChain(name);
    }
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
    const chain = count === 0 ? this.#chain(name) : undefined;
    if (chain) this.#activate(chain);
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

/** Two lists without what they begin and end with alike: one more endpoint in a dispatch is one target more. */
function between<T>(a: readonly T[], b: readonly T[]): [readonly T[], readonly T[]] {
  const most = Math.min(a.length, b.length);
  let start = 0;
  while (start < most && a[start] === b[start]) start++;
  let end = 0;
  while (end < most - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  return [a.slice(start, a.length - end), b.slice(start, b.length - end)];
}

function sameRules(before: readonly Rule[], after: readonly Rule[]): boolean {
  return before.length === after.length && before.every((rule, i) => sameRule(rule, after[i]!));
}

/** Most rules of a tree lead on by an interface: to look at all that they could be would cost more than to render them. */
function sameRule(a: Rule, b: Rule): boolean {
  if (!leadsByInterface(a) || !leadsByInterface(b)) return isDeepStrictEqual(a, b);
  const [from, to] = [a.match, b.match];
  const same = from.inInterface === to.inInterface && from.outInterface === to.outInterface;
  return same && a.action.chain === b.action.chain && a.action.type === b.action.type;
}

type Jump = Extract<Rule['action'], { type: 'jump' | 'goto' }>;

function leadsByInterface(rule: Rule): rule is Rule & { action: Jump } {
  if (rule.action.type !== 'goto' && rule.action.type !== 'jump') return false;
  for (const key in rule.match) if (key !== 'inInterface' && key !== 'outInterface') return false;
  return rule.comment === undefined;
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

const hasDispatch = ({ rules }: Chain): boolean => rules.some(({ action }) => action.type === 'dispatch');

const hasFailsafes = ({ name, rules }: Chain): boolean => FAILSAFES.has(name) || rules.some(leadsToFailsafes);

const leadsToFailsafes = ({ action }: Rule): boolean => action.type === 'jump' && FAILSAFES.has(action.chain);

function namesAny(rules: readonly Rule[], test: (set: string) => boolean): boolean {
  return rules.some(({ match: { source = {}, destination = {} } }) =>
    [source, destination].some(({ sets = [], notSets = [], portSets = [], notPortSets = [] }) =>
      [sets, notSets, portSets, notPortSets].some((list) => list.some(test)),
    ),
  );
}
