/**
 * The iptables of one family: four tables, written by one call of iptables-restore for a whole batch of changes.
 *
 * A save is read at start, at an audit, and after a restore that failed; never after one that did not.
 */
import { CalicoError } from '../../errors/index.ts';
import type { Family } from '../../net/index.ts';
import { type ApplyResult, type Clock, earliest, inSlices, type TableDump } from '../../reconcile/index.ts';
import type { TableName } from '../../rules/index.ts';
import type { Backend, Programs, Run } from './backend.ts';
import { programsOf } from './backend.ts';
import { type Place, type PlanScope, placeOf, type TablePlan } from './plan.ts';
import type { ChainRefusal } from './refusals.ts';
import { SaveReader } from './saved.ts';
import { type InsertMode, Table } from './table.ts';

export interface IptablesOptions {
  readonly family: Family;
  readonly backend: Backend;
  readonly insertMode: InsertMode;
  readonly run: Run;
  /** Of the xtables lock; default: iptables' own. */
  readonly lockFile?: string;
  /** Seconds to wait for the lock; 0: as long as it takes. */
  readonly lockTimeout?: number;
  /** Default: the process' own. */
  readonly clock?: Clock;
}

/** Anti-spoofing and policy before what translates addresses. */
const ORDER: readonly TableName[] = ['raw', 'filter', 'mangle', 'nat'];

/** Rules are tried in it to find the one that the kernel refuses; nothing leads to it. */
const PROBE = 'cali-probe';
/** When more chains than this are refused at once, it is not a rule's fault. */
const MOST_PROBED = 16;

type Errors = Map<string, CalicoError>;
type Outcome = { readonly ok: true } | { readonly ok: false; readonly reason: string };
interface Step {
  readonly table: Table;
  readonly plan: TablePlan;
}

export class Iptables {
  readonly family: Family;
  /** Whether the other family's restore may run meanwhile: legacy has one lock for both. */
  readonly runsBeside: boolean;
  readonly tables: Readonly<Record<TableName, Table>>;
  /** Operations so far. */
  readonly counts = { saves: 0, restores: 0, chainsWritten: 0, chainsRemoved: 0 };
  readonly #programs: Programs;
  readonly #options: IptablesOptions;
  readonly #clock: Clock;

  constructor(options: IptablesOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
    this.family = options.family;
    this.runsBeside = options.backend === 'nft';
    this.#programs = programsOf(options.backend, options.family);
    const table = (name: TableName) => new Table(name, options.insertMode);
    this.tables = { raw: table('raw'), mangle: table('mangle'), nat: table('nat'), filter: table('filter') };
  }

  /** Learns what the kernel has. Throws E_KERNEL. */
  async load(): Promise<void> {
    this.counts.saves++;
    const reader = new SaveReader();
    const onOutput = (text: string): void => reader.read(text);
    const { status, stderr } = await this.#options.run(this.#programs.save, [], { env: this.#environment, onOutput });
    if (status !== 0) throw this.#failure(this.#programs.save, stderr);
    const saved = reader.end();
    for (const name of ORDER) this.tables[name].learn(saved.get(name));
  }

  /**
   * Makes the kernel equal to what is desired (without `removals`: nothing goes yet). For a chain that the kernel refuses
   * another stands in until it changes or a later try succeeds; the rest is written. Keys of errors are like `filter
   * cali-pi-x`. Throws E_KERNEL when iptables itself does not work.
   */
  async apply(scope: PlanScope = { removals: true }): Promise<ApplyResult> {
    const before = this.#operations;
    const errors = new Map<string, CalicoError>();
    await this.#compare(scope);
    const steps = this.#steps(scope);
    if (steps.length > 0 && !(await this.#write(steps)).ok) {
      // Somebody may have been quicker than we: look again before blaming a chain.
      await this.load();
      for (const { table } of this.#steps(scope)) await this.#applyTable(table, scope, errors);
    }
    // By themselves, so that one that is refused again is in nobody's way.
    for (const name of ORDER) await this.#retry(this.tables[name], errors);
    return { operations: this.#operations - before, errors, retryAt: this.#nextTry() };
  }

  /** Compares with the kernel and mends. */
  async audit(): Promise<ApplyResult> {
    await this.load();
    return this.apply();
  }

  /** Chains for which others stand in. */
  *refusals(): Generator<{ readonly table: TableName; readonly chain: string; readonly refusal: ChainRefusal }> {
    for (const table of ORDER)
      for (const [chain, refusal] of this.tables[table].refusals.all) yield { table, chain, refusal };
  }

  dump(): TableDump[] {
    return ORDER.map((name) => this.tables[name].dump(`iptables IPv${this.family} ${name}`));
  }

  get #operations(): number {
    return this.counts.chainsWritten + this.counts.chainsRemoved;
  }

  /** All chains are rendered after a start, and after a change of the configuration. */
  async #compare(scope: PlanScope): Promise<void> {
    for (const name of ORDER) await inSlices(this.tables[name].compare(scope), this.#clock);
  }

  #steps(scope: PlanScope): Step[] {
    const steps: Step[] = [];
    for (const name of ORDER) {
      const table = this.tables[name];
      const plan = table.plan(scope);
      if (plan) steps.push({ table, plan });
      else if (scope.removals && !scope.only) table.settled();
    }
    return steps;
  }

  async #applyTable(table: Table, scope: PlanScope, errors: Errors): Promise<void> {
    const blamed = new Map<string, ChainRefusal>();
    for (let isolated = false; ; ) {
      const plan = table.plan(scope);
      if (!plan) break;
      const outcome = await this.#write([{ table, plan }]);
      if (outcome.ok) break;
      const place = placeIn(plan, outcome.reason);
      if (place && plan.written.includes(place.chain) && !blamed.has(place.chain)) {
        this.#refuse(table, place.chain, { reason: outcome.reason, rule: place.rule }, blamed);
      } else if (!isolated && plan.written.length > 0) {
        isolated = true;
        await this.#isolate(table, plan.written, (chain) => this.#blame(table, chain, blamed));
      } else throw this.#failure(this.#programs.restore, outcome.reason);
    }
    await this.#findRules(table, blamed);
    this.#report(table, blamed, errors);
  }

  /** Another try for refused chains whose time has come. */
  async #retry(table: Table, errors: Errors): Promise<void> {
    const before = new Map(table.refusals.all);
    const again = new Map<string, ChainRefusal>();
    await this.#isolate(table, table.retry(this.#clock()), (chain, reason) => {
      this.#refuse(table, chain, { reason, rule: before.get(chain)?.rule ?? null }, again);
    });
    this.#report(table, again, errors);
  }

  /** Halves the chains until those that the kernel refuses stand alone. */
  async #isolate(
    table: Table,
    chains: readonly string[],
    onRefused: (chain: string, reason: string) => void | Promise<void>,
  ): Promise<void> {
    const plan = chains.length > 0 && table.plan({ removals: false, only: new Set(chains) });
    if (!plan) return;
    const outcome = await this.#write([{ table, plan }]);
    if (outcome.ok) return;
    if (chains.length === 1) return onRefused(chains[0]!, outcome.reason);
    const middle = chains.length >> 1;
    await this.#isolate(table, chains.slice(0, middle), onRefused);
    await this.#isolate(table, chains.slice(middle), onRefused);
  }

  /** What fails for a moment is no chain's fault: one is blamed when it fails again although a write of nothing does not. */
  async #blame(table: Table, chain: string, blamed: Map<string, ChainRefusal>): Promise<void> {
    const nothing = await this.#restore(`*${table.name}\nCOMMIT\n`);
    if (!nothing.ok) throw this.#failure(this.#programs.restore, nothing.reason);
    const plan = table.plan({ removals: false, only: new Set([chain]) });
    const outcome: Outcome = plan ? await this.#write([{ table, plan }]) : { ok: true };
    if (!outcome.ok)
      this.#refuse(table, chain, { reason: outcome.reason, rule: placeIn(plan, outcome.reason)?.rule ?? null }, blamed);
  }

  /** Closing a chain that every packet of the host enters would cut the host off: then nothing is opened instead. */
  #refuse(table: Table, chain: string, refusal: ChainRefusal, blamed: Map<string, ChainRefusal>): void {
    if (table.isEntry(chain)) throw this.#failure(this.#programs.restore, `${table.name} ${chain}: ${refusal.reason}`);
    table.refuse(chain, refusal, this.#clock());
    blamed.set(chain, refusal);
  }

  /** legacy says which rule it is only when it does not parse: of the others the first one that is not taken is found. */
  async #findRules(table: Table, blamed: Map<string, ChainRefusal>): Promise<void> {
    const unknown = [...blamed].filter(([, { rule }]) => rule === null);
    if (unknown.length === 0 || unknown.length > MOST_PROBED) return;
    for (const [chain, { reason }] of unknown) {
      let taken = 0;
      for (let refused = table.lengthOf(chain); refused - taken > 1; ) {
        const middle = (taken + refused) >> 1;
        const outcome = await this.#restore(probe(table, table.firstRules(chain, middle, PROBE)));
        if (outcome.ok) taken = middle;
        else refused = middle;
      }
      const refusal = { reason, rule: taken };
      table.refusals.explain(chain, refusal);
      blamed.set(chain, refusal);
    }
    await this.#restore(probe(table, `-X ${PROBE}`));
  }

  #report(table: Table, refused: ReadonlyMap<string, ChainRefusal>, errors: Errors): void {
    for (const [chain, { reason, rule }] of refused) {
      const subject = `${table.name} ${chain}`;
      const which = rule === null ? '' : ` rule ${rule + 1} of`;
      const text = `${this.#programs.restore} refuses${which} this chain, another stands in for it: ${oneLine(reason)}`;
      errors.set(subject, new CalicoError('E_KERNEL', subject, text));
    }
  }

  #nextTry(): number | null {
    return earliest(...ORDER.map((name) => this.tables[name].refusals.nextTry()));
  }

  async #write(steps: readonly Step[]): Promise<Outcome> {
    const outcome = await this.#restore(textOf(steps));
    if (!outcome.ok) return outcome;
    for (const { table, plan } of steps) {
      table.reached(plan);
      this.counts.chainsWritten += plan.written.length + plan.hooks.length;
      this.counts.chainsRemoved += plan.removed.length;
    }
    return outcome;
  }

  async #restore(stdin: Iterable<string>): Promise<Outcome> {
    this.counts.restores++;
    const timeout = this.#options.lockTimeout ?? 0;
    const wait = timeout > 0 ? ['--wait', String(Math.ceil(timeout))] : ['--wait'];
    const { status, stderr } = await this.#options.run(this.#programs.restore, ['--noflush', ...wait], {
      stdin,
      env: this.#environment,
    });
    return status === 0 ? { ok: true } : { ok: false, reason: stderr.trim() || `exit status ${status}` };
  }

  get #environment(): Record<string, string> {
    return this.#options.lockFile ? { XTABLES_LOCKFILE: this.#options.lockFile } : {};
  }

  #failure(program: string, reason: string): CalicoError {
    return new CalicoError('E_KERNEL', program, oneLine(reason));
  }
}

const oneLine = (text: string): string => text.trim().split('\n').join(' ');

const probe = ({ name }: Table, lines: string): string => `*${name}\n:${PROBE} - [0:0]\n${lines}\nCOMMIT\n`;

/** Never whole: it is read as it is made. */
function* textOf(steps: readonly Step[]): Generator<string> {
  for (const { plan } of steps) for (const [, text] of plan.parts()) yield `${text}\n`;
}

/** Where in the plan it is that the program complains about. */
function placeIn(plan: TablePlan | null, reason: string): Place | undefined {
  const line = /line:? (\d+)/.exec(reason)?.[1];
  return plan && line !== undefined ? placeOf(plan, Number(line)) : undefined;
}
