/**
 * One table of one family: what is desired, what is there, and the fewest lines of `iptables-restore` between the two.
 *
 * No I/O. Of chains only the hashes are kept: whoever desires one is asked for its rules when they are written. `learn`
 * takes what a save said; after that the table follows what was written and is not read back until an audit. A chain is
 * equal to the desired one when the hashes in its comments are: the hash of a rule covers the rules before it, as
 * upstream's does, so that chains which upstream's Felix left are taken over as they are.
 */
import type { TableDump } from '../../reconcile/index.ts';
import { type Hook, type RenderedRule, RULE_PREFIX, type TableName } from '../../rules/index.ts';
import type { Part, PlanScope, TablePlan } from './plan.ts';
import { type ChainRefusal, Refusals } from './refusals.ts';
import type { ForeignChain, OurRule, SavedTable } from './saved.ts';

/** Whether our jump is a kernel chain's first rule or its last. */
export type InsertMode = 'insert' | 'append';

/** Our rules in a kernel chain: `entry` leads into our chains, `end` stands at the chain's very end. */
export interface HookRules {
  readonly entry: readonly RenderedRule[];
  readonly end: readonly RenderedRule[];
}

/** Who desires a chain. Both answers stay the same until the chain is set again. */
export interface ChainSource {
  rules(chain: string): readonly RenderedRule[];
  /** What is there while the chain cannot be written. Undefined: a chain that drops. */
  standIn(chain: string): readonly RenderedRule[] | undefined;
}

interface Desired {
  readonly source: ChainSource;
  /** The hashes of the rules; null: not asked for yet. */
  print: string | null;
}

const CLOSED: RenderedRule = hashed('closed----------', '-j DROP');
const NO_RULES: HookRules = { entry: [], end: [] };
const EVERYTHING: PlanScope = { removals: true };
const EMPTY: ForeignChain = { count: 0, ours: [] };

export class Table {
  readonly name: TableName;
  readonly #mode: InsertMode;
  readonly #desired = new Map<string, Desired>();
  readonly #desiredHooks = new Map<string, HookRules>();
  #actual = new Map<string, string>();
  #foreign = new Map<string, ForeignChain>();
  #pinned: ReadonlySet<string> = new Set();
  readonly #dirty = new Set<string>();
  readonly #dirtyHooks = new Set<string>();
  /** Chains for which others stand in. */
  readonly refusals = new Refusals();

  constructor(name: TableName, mode: InsertMode) {
    this.name = name;
    this.#mode = mode;
  }

  /** The chain is to be as its source says. */
  setChain(name: string, source: ChainSource): void {
    this.#dirty.add(name);
    const before = this.#desired.get(name)?.print;
    const print = this.refusals.all.has(name) ? printOf(source.rules(name)) : null;
    if (print === null || print !== before) this.refusals.forget(name);
    this.#desired.set(name, { source, print });
  }

  removeChain(name: string): void {
    if (!this.#desired.delete(name)) return;
    this.refusals.forget(name);
    this.#dirty.add(name);
  }

  setHook(hook: Hook, rules: HookRules): void {
    this.#desiredHooks.set(hook, rules);
    this.#dirtyHooks.add(hook);
  }

  /** Takes what is in the kernel; an absent table is an empty one. */
  learn(saved: SavedTable | undefined): void {
    this.#actual = new Map(saved?.chains);
    this.#foreign = new Map(saved?.foreign);
    this.#pinned = saved?.pinned ?? new Set();
    for (const name of this.#actual.keys()) this.#dirty.add(name);
    for (const name of this.#desired.keys()) this.#dirty.add(name);
    for (const name of this.#foreign.keys()) this.#dirtyHooks.add(name);
    for (const name of this.#desiredHooks.keys()) this.#dirtyHooks.add(name);
  }

  /** Is the chain in the kernel, whatever its rules are? */
  has(chain: string): boolean {
    return this.#actual.has(chain);
  }

  /** Chains of ours in the kernel. */
  get chainCount(): number {
    return this.#actual.size;
  }

  get ruleCount(): number {
    let count = 0;
    for (const print of this.#actual.values()) count += print === '' ? 0 : (print.length + 1) / 17;
    return Math.round(count);
  }

  /** Of a chain that is as desired the rules are known, of another only their hashes. */
  dump(table: string): TableDump {
    const desired: Record<string, readonly string[]> = {};
    const actual: Record<string, readonly string[]> = {};
    for (const [name, { source }] of this.#desired)
      desired[name] = source.rules(name).map(({ text }) => lineOf(name, text));
    for (const [name, print] of this.#actual) {
      const equal = this.#desired.has(name) && this.#printFor(name, EVERYTHING) === print;
      actual[name] = (equal && desired[name]) || hashesOf(print).map((hash) => `cali:${hash}`);
    }
    for (const [hook, { entry, end }] of this.#desiredHooks)
      desired[hook] = [...entry, ...end].map(({ text }) => `-A ${hook} ${text}`);
    for (const [hook, { ours }] of this.#foreign) {
      const text = new Map((desired[hook] ?? []).map((line) => [/cali:([\w-]+)/.exec(line)?.[1], line]));
      actual[hook] = ours.map(({ hash }) => text.get(hash) ?? `cali:${hash}`);
    }
    const problems = [...this.refusals.all].map(([chain, { reason, rule }]): [string, string] => [
      chain,
      `${rule === null ? '' : `rule ${rule + 1}: `}${reason}`,
    ]);
    return { table, desired, actual, problems: Object.fromEntries(problems) };
  }

  /** Renders, one a step, the chains that `plan` compares with those in the kernel: then it has little to do. */
  *compare(scope: PlanScope): Generator<void> {
    for (const name of this.#dirty) {
      if (!this.#desired.has(name) || !this.#actual.has(name) || this.#isLeftOut(name, scope)) continue;
      this.#printFor(name, scope);
      yield;
    }
  }

  /** The lines between the two states; null when nothing within the scope differs. */
  plan(scope: PlanScope): TablePlan | null {
    const written = [...this.#dirty].filter((name) => this.#isToWrite(name, scope));
    const hooks = scope.only ? [] : [...this.#dirtyHooks].filter((hook) => this.#hookDiffers(hook, scope));
    const removed = scope.removals && !scope.only ? [...this.#dirty].filter((name) => this.#isToGo(name)) : [];
    if (written.length + hooks.length + removed.length === 0) return null;
    const plan = { scope, written, removed, hooks };
    return { ...plan, parts: () => this.#parts(plan) };
  }

  /** The plan is in the kernel now. */
  reached({ scope, written, removed, hooks }: TablePlan): void {
    for (const name of written) {
      this.#actual.set(name, this.#printFor(name, scope));
      if (!this.#isLeftOut(name, scope)) this.refusals.written(name);
    }
    for (const name of removed) {
      if (this.#pinned.has(name)) this.#actual.set(name, '');
      else this.#actual.delete(name);
    }
    for (const hook of hooks) this.#foreign.set(hook, this.#hookTarget(hook));
    if (!scope.only && scope.removals) this.settled();
  }

  /** Nothing differs any more. */
  settled(): void {
    this.#dirty.clear();
    this.#dirtyHooks.clear();
  }

  /** The kernel will not have this chain: another stands in for it. */
  refuse(chain: string, refusal: ChainRefusal, now: number): void {
    this.refusals.add(chain, refusal, now);
    this.#dirty.add(chain);
  }

  /** Refused chains whose time has come (by default all) are desired as they are again. Returns which. */
  retry(now?: number): string[] {
    const due = this.refusals.retry(now);
    for (const name of due) this.#dirty.add(name);
    return due;
  }

  /** How many rules are desired of the chain. */
  lengthOf(chain: string): number {
    return this.#desired.get(chain)?.source.rules(chain).length ?? 0;
  }

  /** The first rules of a desired chain, as lines about a chain of another name. */
  firstRules(chain: string, count: number, name: string): string {
    const rules = this.#desired.get(chain)?.source.rules(chain).slice(0, count) ?? [];
    return rules.map(({ text }) => lineOf(name, text)).join('\n');
  }

  /** Does a rule of ours in a chain of the kernel's lead to it? */
  isEntry(chain: string): boolean {
    const leads = new RegExp(`--(jump|goto) ${chain}$`);
    return [...this.#desiredHooks.values()].some((rules) =>
      [...rules.entry, ...rules.end].some(({ text }) => leads.test(text)),
    );
  }

  /** Every chain first, so that rules can name any; then rules; deletions last, when nothing leads there any more. */
  *#parts({ scope, written, removed, hooks }: Omit<TablePlan, 'parts'>): Generator<Part> {
    yield ['', `*${this.name}`];
    for (const names of [written, removed]) for (const name of names) yield [name, `:${name} - [0:0]`];
    for (const name of written) {
      const rules = this.#rulesFor(name, scope);
      if (rules.length > 0) yield [name, rules.map(({ text }) => lineOf(name, text)).join('\n')];
    }
    for (const hook of hooks) yield* this.#hookLines(hook);
    for (const name of removed) if (!this.#pinned.has(name)) yield [name, `-X ${name}`];
    yield ['', 'COMMIT'];
  }

  /** What the chain is to be in the kernel. Others than those of the scope, where there is nothing yet, are closed. */
  #rulesFor(name: string, scope: PlanScope): readonly RenderedRule[] {
    const want = this.#desired.get(name)!;
    if (this.#isStandIn(name, scope))
      // The nat table does not let anybody drop there: an empty chain translates nothing.
      return want.source.standIn(name) ?? (this.name === 'nat' ? [] : [CLOSED]);
    const rules = want.source.rules(name);
    want.print ??= printOf(rules);
    return rules;
  }

  #printFor(name: string, scope: PlanScope): string {
    const { print } = this.#desired.get(name)!;
    return print !== null && !this.#isStandIn(name, scope) ? print : printOf(this.#rulesFor(name, scope));
  }

  #isStandIn(name: string, scope: PlanScope): boolean {
    return this.#isLeftOut(name, scope) || this.refusals.standsIn(name);
  }

  #isLeftOut(name: string, { only }: PlanScope): boolean {
    return only !== undefined && !only.has(name);
  }

  #isToWrite(name: string, scope: PlanScope): boolean {
    if (!this.#desired.has(name)) return false;
    const there = this.#actual.get(name);
    return there === undefined || (!this.#isLeftOut(name, scope) && there !== this.#printFor(name, scope));
  }

  #isToGo(name: string): boolean {
    if (this.#desired.has(name) || !this.#actual.has(name)) return false;
    return !(this.#pinned.has(name) && this.#actual.get(name) === '');
  }

  #hookDiffers(hook: string, { removals }: PlanScope): boolean {
    if (!removals && !this.#desiredHooks.has(hook)) return false;
    const { ours } = this.#foreign.get(hook) ?? EMPTY;
    const target = this.#hookTarget(hook).ours;
    return (
      ours.length !== target.length ||
      target.some((rule, i) => ours[i]!.hash !== rule.hash || ours[i]!.index !== rule.index)
    );
  }

  /** Ours go by their text and come back where they belong, in one transaction: the rules of others keep their order. */
  #hookLines(hook: string): Part[] {
    const { ours } = this.#foreign.get(hook) ?? EMPTY;
    const { entry, end } = this.#desiredHooks.get(hook) ?? NO_RULES;
    const first = this.#mode === 'insert' ? entry : [];
    const last = this.#mode === 'insert' ? end : [...entry, ...end];
    return [
      ...ours.map((rule) => `-D ${hook} ${rule.spec}`),
      ...[...first].reverse().map((rule) => `-I ${hook} 1 ${rule.text}`),
      ...last.map((rule) => `-A ${hook} ${rule.text}`),
    ].map((text): Part => [hook, text]);
  }

  #hookTarget(hook: string): ForeignChain {
    const { count, ours } = this.#foreign.get(hook) ?? EMPTY;
    const { entry, end } = this.#desiredHooks.get(hook) ?? NO_RULES;
    const others = count - ours.length;
    const rules = [...entry, ...end];
    return {
      count: others + rules.length,
      ours: rules.map((rule, i): OurRule => {
        const index = this.#mode === 'insert' && i < entry.length ? i : others + i;
        return { index, hash: rule.hash, spec: rule.text };
      }),
    };
  }
}

const printOf = (rules: readonly RenderedRule[]): string => rules.map((rule) => rule.hash).join(' ');

const lineOf = (chain: string, rule: string): string => `-A ${chain} ${rule}`;

const hashesOf = (print: string): string[] => (print === '' ? [] : print.split(' '));

function hashed(hash: string, body: string): RenderedRule {
  return { text: `-m comment --comment "${RULE_PREFIX}${hash}" ${body}`, hash };
}
