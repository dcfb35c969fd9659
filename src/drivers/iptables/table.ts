/**
 * One table of one family: what is desired, what is there, and the fewest lines of `iptables-restore` between the two.
 *
 * No I/O. `learn` takes what a save said; after that the table follows what was written and is not read back until an
 * audit. A chain is equal to the desired one when the hashes in its comments are: the hash of a rule covers the rules
 * before it, as upstream's does, so that chains which upstream's Felix left are taken over as they are.
 */

import type { TableDump } from '../../reconcile/index.ts';
import { type Hook, type RenderedChain, type RenderedRule, RULE_PREFIX, type TableName } from '../../rules/index.ts';
import { type Refusal, Refusals } from './refusals.ts';
import type { ForeignChain, OurRule, SavedTable } from './saved.ts';

/** Whether our jump is a kernel chain's first rule or its last. */
export type InsertMode = 'insert' | 'append';

/** Our rules in a kernel chain: `entry` leads into our chains, `end` stands at the chain's very end. */
export interface HookRules {
  readonly entry: readonly RenderedRule[];
  readonly end: readonly RenderedRule[];
}

export interface PlanScope {
  /** Whether what is not desired goes. */
  readonly removals: boolean;
  /** Only these chains: others that exist stay as they are, others that do not are created closed. No hooks. */
  readonly only?: ReadonlySet<string>;
}

export interface TablePlan {
  readonly scope: PlanScope;
  /** Input of iptables-restore from `*table` to `COMMIT`: each part is about one chain. */
  readonly parts: readonly Part[];
  readonly written: readonly string[];
  readonly removed: readonly string[];
  readonly hooks: readonly string[];
}

/** One or more lines, without the last newline. */
export type Part = readonly [chain: string, text: string];

interface Content {
  /** The hashes of the rules. */
  readonly print: string;
  /** The chain's lines: one flat text, because thousands of them are kept. */
  readonly text: string;
}

interface Desired extends Content {
  /** What stands in for it where it cannot be written. Absent: a chain that drops. */
  readonly standIn?: Content;
}

const CLOSED_HASH = 'closed----------';
const NOTHING: Content = { print: '', text: '' };
const NO_RULES: HookRules = { entry: [], end: [] };
const EMPTY: ForeignChain = { count: 0, ours: [] };

export class Table {
  readonly name: TableName;
  private readonly mode: InsertMode;
  private readonly desired = new Map<string, Desired>();
  private readonly desiredHooks = new Map<string, HookRules>();
  private actual = new Map<string, string>();
  private foreign = new Map<string, ForeignChain>();
  private pinned: ReadonlySet<string> = new Set();
  private readonly dirty = new Set<string>();
  private readonly dirtyHooks = new Set<string>();
  /** Chains for which others stand in. */
  readonly refusals = new Refusals();

  constructor(name: TableName, mode: InsertMode) {
    this.name = name;
    this.mode = mode;
  }

  /** `standIn`: what is there while the chain cannot be written. Default: a chain that drops. */
  setChain({ name, rules }: RenderedChain, standIn?: readonly RenderedRule[]): void {
    this.dirty.add(name);
    if (this.desired.get(name)?.print === printOf(rules)) return;
    this.refusals.forget(name);
    const content = contentOf(name, rules);
    this.desired.set(name, standIn ? { ...content, standIn: contentOf(name, standIn) } : content);
  }

  removeChain(name: string): void {
    if (!this.desired.delete(name)) return;
    this.refusals.forget(name);
    this.dirty.add(name);
  }

  setHook(hook: Hook, rules: HookRules): void {
    this.desiredHooks.set(hook, rules);
    this.dirtyHooks.add(hook);
  }

  /** Takes what is in the kernel; an absent table is an empty one. */
  learn(saved: SavedTable | undefined): void {
    this.actual = new Map(saved?.chains);
    this.foreign = new Map(saved?.foreign);
    this.pinned = saved?.pinned ?? new Set();
    for (const name of this.actual.keys()) this.dirty.add(name);
    for (const name of this.desired.keys()) this.dirty.add(name);
    for (const name of this.foreign.keys()) this.dirtyHooks.add(name);
    for (const name of this.desiredHooks.keys()) this.dirtyHooks.add(name);
  }

  /** Is the chain in the kernel, whatever its rules are? */
  has(chain: string): boolean {
    return this.actual.has(chain);
  }

  /** Chains of ours in the kernel. */
  get chainCount(): number {
    return this.actual.size;
  }

  get ruleCount(): number {
    let count = 0;
    for (const print of this.actual.values()) count += print === '' ? 0 : (print.length + 1) / 17;
    return Math.round(count);
  }

  /** Of a chain that is as desired the rules are known, of another only their hashes. */
  dump(table: string): TableDump {
    const desired: Record<string, readonly string[]> = {};
    const actual: Record<string, readonly string[]> = {};
    for (const [name, { text }] of this.desired) desired[name] = lines(text);
    for (const [name, print] of this.actual) {
      const want = this.desired.get(name);
      actual[name] = want?.print === print ? lines(want.text) : lines(print, ' ').map((hash) => `cali:${hash}`);
    }
    for (const [hook, { entry, end }] of this.desiredHooks)
      desired[hook] = [...entry, ...end].map(({ text }) => `-A ${hook} ${text}`);
    for (const [hook, { ours }] of this.foreign) {
      const text = new Map((desired[hook] ?? []).map((line) => [/cali:([\w-]+)/.exec(line)?.[1], line]));
      actual[hook] = ours.map(({ hash }) => text.get(hash) ?? `cali:${hash}`);
    }
    const problems = [...this.refusals.all].map(([chain, { reason, rule }]): [string, string] => [
      chain,
      `${rule === null ? '' : `rule ${rule + 1}: `}${reason}`,
    ]);
    return { table, desired, actual, problems: Object.fromEntries(problems) };
  }

  /** The lines between the two states; null when nothing within the scope differs. */
  plan(scope: PlanScope): TablePlan | null {
    const written = [...this.dirty].filter((name) => this.isToWrite(name, scope));
    const hooks = scope.only ? [] : [...this.dirtyHooks].filter((hook) => this.hookDiffers(hook, scope));
    const removed = scope.removals && !scope.only ? [...this.dirty].filter((name) => this.isToGo(name)) : [];
    if (written.length + hooks.length + removed.length === 0) return null;
    // Every chain first, so that rules can name any; then rules; deletions last, when nothing leads there any more.
    const parts: Part[] = [
      ['', `*${this.name}`],
      ...[...written, ...removed].map((name): Part => [name, `:${name} - [0:0]`]),
      ...written.flatMap((name) => this.ruleLines(name, scope)),
      ...hooks.flatMap((hook) => this.hookLines(hook)),
      ...removed.filter((name) => !this.pinned.has(name)).map((name): Part => [name, `-X ${name}`]),
      ['', 'COMMIT'],
    ];
    return { scope, parts, written, removed, hooks };
  }

  /** The plan is in the kernel now. */
  reached({ scope, written, removed, hooks }: TablePlan): void {
    for (const name of written) {
      this.actual.set(name, this.contentFor(name, scope).print);
      if (!this.isLeftOut(name, scope)) this.refusals.written(name);
    }
    for (const name of removed) {
      if (this.pinned.has(name)) this.actual.set(name, '');
      else this.actual.delete(name);
    }
    for (const hook of hooks) this.foreign.set(hook, this.hookTarget(hook));
    if (!scope.only && scope.removals) this.settled();
  }

  /** Nothing differs any more. */
  settled(): void {
    this.dirty.clear();
    this.dirtyHooks.clear();
  }

  /** The kernel will not have this chain: another stands in for it. */
  refuse(chain: string, refusal: Refusal, now: number): void {
    this.refusals.add(chain, refusal, now);
    this.dirty.add(chain);
  }

  /** Refused chains whose time has come (by default all) are desired as they are again. Returns which. */
  retry(now?: number): string[] {
    const due = this.refusals.retry(now);
    for (const name of due) this.dirty.add(name);
    return due;
  }

  /** How many rules are desired of the chain. */
  lengthOf(chain: string): number {
    const print = this.desired.get(chain)?.print ?? '';
    return print === '' ? 0 : print.split(' ').length;
  }

  /** The first rules of a desired chain, as lines about a chain of another name. */
  firstRules(chain: string, count: number, name: string): string {
    const lines = (this.desired.get(chain)?.text ?? '').split('\n').slice(0, count);
    return lines.map((line) => line.replace(`-A ${chain} `, `-A ${name} `)).join('\n');
  }

  /** Does a rule of ours in a chain of the kernel's lead to it? */
  isEntry(chain: string): boolean {
    const leads = new RegExp(`--(jump|goto) ${chain}$`);
    return [...this.desiredHooks.values()].some((rules) =>
      [...rules.entry, ...rules.end].some(({ text }) => leads.test(text)),
    );
  }

  /** What the chain is to be in the kernel. Others than those of the scope, where there is nothing yet, are closed. */
  private contentFor(name: string, scope: PlanScope): Content {
    const want = this.desired.get(name)!;
    if (!this.isLeftOut(name, scope) && !this.refusals.standsIn(name)) return want;
    // The nat table does not let anybody drop there: an empty chain translates nothing.
    return want.standIn ?? (this.name === 'nat' ? NOTHING : closed(name));
  }

  private isLeftOut(name: string, { only }: PlanScope): boolean {
    return only !== undefined && !only.has(name);
  }

  private isToWrite(name: string, scope: PlanScope): boolean {
    if (!this.desired.has(name) || this.actual.get(name) === this.contentFor(name, scope).print) return false;
    return !(this.isLeftOut(name, scope) && this.actual.has(name));
  }

  private isToGo(name: string): boolean {
    if (this.desired.has(name) || !this.actual.has(name)) return false;
    return !(this.pinned.has(name) && this.actual.get(name) === '');
  }

  private ruleLines(name: string, scope: PlanScope): Part[] {
    const { text } = this.contentFor(name, scope);
    return text === '' ? [] : [[name, text]];
  }

  private hookDiffers(hook: string, { removals }: PlanScope): boolean {
    if (!removals && !this.desiredHooks.has(hook)) return false;
    const { ours } = this.foreign.get(hook) ?? EMPTY;
    const target = this.hookTarget(hook).ours;
    return (
      ours.length !== target.length ||
      target.some((rule, i) => ours[i]!.hash !== rule.hash || ours[i]!.index !== rule.index)
    );
  }

  /** Ours go by their text and come back where they belong, in one transaction: the rules of others keep their order. */
  private hookLines(hook: string): Part[] {
    const { ours } = this.foreign.get(hook) ?? EMPTY;
    const { entry, end } = this.desiredHooks.get(hook) ?? NO_RULES;
    const first = this.mode === 'insert' ? entry : [];
    const last = this.mode === 'insert' ? end : [...entry, ...end];
    return [
      ...ours.map((rule) => `-D ${hook} ${rule.spec}`),
      ...[...first].reverse().map((rule) => `-I ${hook} 1 ${rule.text}`),
      ...last.map((rule) => `-A ${hook} ${rule.text}`),
    ].map((text): Part => [hook, text]);
  }

  private hookTarget(hook: string): ForeignChain {
    const { count, ours } = this.foreign.get(hook) ?? EMPTY;
    const { entry, end } = this.desiredHooks.get(hook) ?? NO_RULES;
    const others = count - ours.length;
    const rules = [...entry, ...end];
    return {
      count: others + rules.length,
      ours: rules.map((rule, i): OurRule => {
        const index = this.mode === 'insert' && i < entry.length ? i : others + i;
        return { index, hash: rule.hash, spec: rule.text };
      }),
    };
  }
}

const printOf = (rules: readonly RenderedRule[]): string => rules.map((rule) => rule.hash).join(' ');

function contentOf(name: string, rules: readonly RenderedRule[]): Content {
  return { print: printOf(rules), text: rules.map((rule) => `-A ${name} ${rule.text}`).join('\n') };
}

function closed(name: string): Content {
  return { print: CLOSED_HASH, text: `-A ${name} -m comment --comment "${RULE_PREFIX}${CLOSED_HASH}" -j DROP` };
}

/** What a line of a plan is about. */
export interface Place {
  readonly chain: string;
  /** From 0; null: not one of the chain's rules. */
  readonly rule: number | null;
}

/** `line` is that of the plan's text, from 1. Undefined when it is about no chain. */
export function placeOf(plan: TablePlan, line: number): Place | undefined {
  let last = 0;
  for (const [chain, text] of plan.parts) {
    const first = last + 1;
    last += text.split('\n').length;
    if (line > last) continue;
    if (chain === '') return undefined;
    return { chain, rule: text.startsWith(`-A ${chain} `) ? line - first : null };
  }
  return undefined;
}

function lines(text: string, separator = '\n'): string[] {
  return text === '' ? [] : text.split(separator);
}
