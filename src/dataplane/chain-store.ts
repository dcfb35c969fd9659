/**
 * The chains of one table of one family, of which only those that something leads to are in the kernel.
 *
 * Managers offer chains as they come; a chain is lowered, rendered and written when the first rule names it, and goes
 * when the last such rule does. So a policy is offered to every table, and costs only those where an endpoint uses it.
 * What a chain is lowered to, and its text, are made when they are needed and kept by nobody: there are thousands.
 *
 * A chain that cannot be made, which is a mistake of our own, is closed until it can: the others are in the kernel.
 */
import type { SetGap } from '../drivers/ipset/index.ts';
import type { ChainSource, Table } from '../drivers/iptables/index.ts';
import {
  type Chain,
  type Hook,
  ipsetName,
  lower,
  type RenderedRule,
  type RenderOptions,
  type Rule,
  renderRules,
  type TableChains,
} from '../rules/index.ts';
import { closedChain, hasFailsafes, standInFor } from './closed.ts';
import { between, sameRules } from './differences.ts';
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
/** What cannot be made leads nowhere. */
const BROKEN: Active = { targets: [], children: [], unsafe: true };

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
  /** Chains that cannot be made, and why. */
  readonly #broken = new Map<string, unknown>();

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

  /** Chains that cannot be made, each with the error: closed ones are in their place. */
  get broken(): ReadonlyMap<string, unknown> {
    return this.#broken;
  }

  /** Tries again to make those that could not be made. */
  mend(): void {
    for (const name of [...this.#broken.keys()]) this.#activate(name);
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
      if (chain && namesAny(chain.rules, (set) => sets.has(this.#kernelName(set)))) this.#activate(name);
    }
  }

  offer(chain: Chain): void {
    this.#offered.set(chain.name, chain);
    if (this.#references.has(chain.name)) this.#activate(chain.name);
  }

  withdraw(name: string): void {
    this.#offered.delete(name);
    this.#deactivate(name);
  }

  /** A chain that is found is another now, or gone. */
  changed(name: string): void {
    if (this.#references.has(name)) this.#activate(name);
  }

  rules(name: string): readonly RenderedRule[] {
    try {
      if (!this.#broken.has(name)) return this.#render(this.#trees.get(name) ?? lower(this.#written(name))[0]!);
    } catch (error) {
      // Closing a chain that every packet of the host enters would cut the host off.
      if (this.#table.isEntry(name)) throw error;
      this.#broken.set(name, error);
    }
    // The nat table does not let anybody drop there.
    return this.standIn(name) ?? (this.#table.name === 'nat' ? [] : this.#render(closedChain(name)));
  }

  standIn(name: string): readonly RenderedRule[] | undefined {
    const chain = this.#active.get(name) === BROKEN ? undefined : this.#chain(name);
    return chain && hasFailsafes(chain) ? this.#render(standInFor(chain)) : undefined;
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
    const render = (rules: readonly Rule[]) => this.#render({ name: hook, rules });
    for (const target of targets) this.acquire(target);
    this.#table.setHook(hook, { entry: render(entry), end: render(end) });
    this.#hookTargets.set(hook, targets);
    for (const target of before) this.release(target);
  }

  /** Undefined where there is none, or where it cannot be made. */
  #chain(name: string): Chain | undefined {
    try {
      return this.#offered.get(name) ?? this.#find(name);
    } catch (error) {
      this.#broken.set(name, error);
      return undefined;
    }
  }

  #render({ name, rules }: Chain): readonly RenderedRule[] {
    return renderRules(name, rules, this.#options);
  }

  /** The chain, or what is there instead. */
  #written(name: string): Chain {
    const chain = this.#chain(name)!;
    return this.#active.get(name)?.unsafe ? standInFor(chain) : chain;
  }

  /** The chain is to be in the kernel as it is now, closed where it cannot be made. */
  #activate(name: string): void {
    const before = this.#active.get(name);
    this.#broken.delete(name);
    const { active, tree } = this.#prepare(name);
    if (!active) {
      this.#deactivate(name);
      return;
    }
    this.#active.set(name, active);
    const [gone, come] = between(before?.targets ?? [], active.targets);
    for (const target of come) this.acquire(target);
    if (tree.length > 0) this.#setTree(tree);
    else {
      this.#trees.delete(name);
      this.#table.setChain(name, this);
    }
    this.#removeParts(before?.children.filter((child) => !active.children.includes(child)));
    for (const target of gone) this.release(target);
  }

  /** Changes nothing but what is known to be broken or doubtful. */
  #prepare(name: string): { active?: Active; tree: readonly Chain[] } {
    try {
      const chain = this.#chain(name);
      if (!chain) return { tree: [], ...(this.#broken.has(name) && { active: BROKEN }) };
      const unsafe = this.#isUnsafe(chain);
      const targets = targetsOf(chain.rules);
      const tree = !unsafe && hasDispatch(chain) ? lower(chain) : [];
      const children = tree.slice(1).map((child) => child.name);
      const plain = targets.length === 0 && children.length === 0 && !unsafe;
      return { active: plain ? LEAF : { targets, children, unsafe }, tree };
    } catch (error) {
      this.#broken.set(name, error);
      return { active: BROKEN, tree: [] };
    }
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
    this.#broken.delete(name);
    this.#removeParts([name, ...active.children]);
    for (const target of active.targets) this.release(target);
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

  /** Something leads to the chain: it is to be in the kernel until as many have released it. */
  acquire(name: string): void {
    const count = this.#references.get(name) ?? 0;
    this.#references.set(name, count + 1);
    if (count === 0) this.#activate(name);
  }

  release(name: string): void {
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

const hasDispatch = ({ rules }: Chain): boolean => rules.some(({ action }) => action.type === 'dispatch');

function namesAny(rules: readonly Rule[], test: (set: string) => boolean): boolean {
  return rules.some(({ match: { source = {}, destination = {} } }) =>
    [source, destination].some(({ sets = [], notSets = [], portSets = [], notPortSets = [] }) =>
      [sets, notSets, portSets, notPortSets].some((list) => list.some(test)),
    ),
  );
}
