/**
 * The iptables of one family: four tables, written by one call of iptables-restore for a whole batch of changes.
 *
 * A save is read at start, at an audit, and after a restore that failed; never after one that did not.
 */
import { CalicoError } from '../../errors/index.ts';
import type { Family } from '../../net/index.ts';
import type { TableName } from '../../rules/index.ts';
import type { Backend, Programs, Run } from './backend.ts';
import { programsOf } from './backend.ts';
import { parseSave } from './saved.ts';
import { chainAtLine, type InsertMode, type PlanScope, Table, type TablePlan } from './table.ts';

export interface IptablesOptions {
  readonly family: Family;
  readonly backend: Backend;
  readonly insertMode: InsertMode;
  readonly run: Run;
  /** Of the xtables lock; default: iptables' own. */
  readonly lockFile?: string;
  /** Seconds to wait for the lock; 0: as long as it takes. */
  readonly lockTimeout?: number;
  /** A chain that the kernel refused was closed in its place. */
  readonly onRefused?: (table: TableName, chain: string, reason: string) => void;
}

/** Anti-spoofing and policy before what translates addresses. */
const ORDER: readonly TableName[] = ['raw', 'filter', 'mangle', 'nat'];

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
  private readonly programs: Programs;
  private readonly options: IptablesOptions;

  constructor(options: IptablesOptions) {
    this.options = options;
    this.family = options.family;
    this.runsBeside = options.backend === 'nft';
    this.programs = programsOf(options.backend, options.family);
    const table = (name: TableName) => new Table(name, options.insertMode);
    this.tables = { raw: table('raw'), mangle: table('mangle'), nat: table('nat'), filter: table('filter') };
  }

  /** Learns what the kernel has. Throws E_KERNEL. */
  async load(): Promise<void> {
    this.counts.saves++;
    const { status, stdout, stderr } = await this.options.run(this.programs.save, [], { env: this.environment });
    if (status !== 0) throw this.failure(this.programs.save, stderr);
    const saved = parseSave(stdout);
    for (const name of ORDER) this.tables[name].learn(saved.get(name));
  }

  /**
   * Makes the kernel equal to what is desired (without `removals`: nothing goes yet). A chain that the kernel refuses is
   * closed and reported, the rest is written. Throws E_KERNEL when iptables itself does not work.
   */
  async apply(scope: PlanScope = { removals: true }): Promise<void> {
    const steps = this.steps(scope);
    if (steps.length === 0 || (await this.write(steps)).ok) return;
    // Somebody may have been quicker than we: look again before blaming a chain.
    await this.load();
    for (const { table } of this.steps(scope)) await this.applyTable(table, scope);
  }

  /** Compares with the kernel, mends, and tries again what was refused. Returns how many chains differed. */
  async audit(): Promise<number> {
    await this.load();
    for (const name of ORDER) this.tables[name].forgive();
    const before = this.counts.chainsWritten + this.counts.chainsRemoved;
    await this.apply();
    return this.counts.chainsWritten + this.counts.chainsRemoved - before;
  }

  private steps(scope: PlanScope): Step[] {
    const steps: Step[] = [];
    for (const name of ORDER) {
      const table = this.tables[name];
      const plan = table.plan(scope);
      if (plan) steps.push({ table, plan });
      else if (scope.removals && !scope.only) table.settled();
    }
    return steps;
  }

  private async applyTable(table: Table, scope: PlanScope): Promise<void> {
    const blamed = new Set<string>();
    for (let isolated = false; ; ) {
      const plan = table.plan(scope);
      if (!plan) return;
      const outcome = await this.write([{ table, plan }]);
      if (outcome.ok) return;
      const chain = chainAtLine(plan, Number(/line:? (\d+)/.exec(outcome.reason)?.[1]));
      if (chain !== undefined && plan.written.includes(chain) && !blamed.has(chain)) {
        blamed.add(chain);
        this.refuse(table, chain, outcome.reason);
      } else if (!isolated && plan.written.length > 0) {
        isolated = true;
        await this.isolate(table, plan.written);
      } else throw this.failure(this.programs.restore, outcome.reason);
    }
  }

  /** Halves the chains until those that the kernel refuses stand alone. */
  private async isolate(table: Table, chains: readonly string[]): Promise<void> {
    const plan = table.plan({ removals: false, only: new Set(chains) });
    if (!plan) return;
    const outcome = await this.write([{ table, plan }]);
    if (outcome.ok) return;
    if (chains.length === 1) return this.blame(table, chains[0]!);
    const middle = chains.length >> 1;
    await this.isolate(table, chains.slice(0, middle));
    await this.isolate(table, chains.slice(middle));
  }

  /** What fails for a moment is no chain's fault: one is blamed when it fails again although a write of nothing does not. */
  private async blame(table: Table, chain: string): Promise<void> {
    const nothing = await this.restore(`*${table.name}\nCOMMIT\n`);
    if (!nothing.ok) throw this.failure(this.programs.restore, nothing.reason);
    const plan = table.plan({ removals: false, only: new Set([chain]) });
    const outcome: Outcome = plan ? await this.write([{ table, plan }]) : { ok: true };
    if (!outcome.ok) this.refuse(table, chain, outcome.reason);
  }

  /** Closing a chain that every packet of the host enters would cut the host off: then nothing is opened instead. */
  private refuse(table: Table, chain: string, reason: string): void {
    if (table.isEntry(chain)) throw this.failure(this.programs.restore, `${table.name} ${chain}: ${reason}`);
    table.refuse(chain);
    this.options.onRefused?.(table.name, chain, reason);
  }

  private async write(steps: readonly Step[]): Promise<Outcome> {
    const stdin = `${steps.flatMap(({ plan }) => plan.parts.map(([, text]) => text)).join('\n')}\n`;
    const outcome = await this.restore(stdin);
    if (!outcome.ok) return outcome;
    for (const { table, plan } of steps) {
      table.reached(plan);
      this.counts.chainsWritten += plan.written.length + plan.hooks.length;
      this.counts.chainsRemoved += plan.removed.length;
    }
    return outcome;
  }

  private async restore(stdin: string): Promise<Outcome> {
    this.counts.restores++;
    const timeout = this.options.lockTimeout ?? 0;
    const wait = timeout > 0 ? ['--wait', String(timeout)] : ['--wait'];
    const { status, stderr } = await this.options.run(this.programs.restore, ['--noflush', ...wait], {
      stdin,
      env: this.environment,
    });
    return status === 0 ? { ok: true } : { ok: false, reason: stderr.trim() || `exit status ${status}` };
  }

  private get environment(): Record<string, string> {
    return this.options.lockFile ? { XTABLES_LOCKFILE: this.options.lockFile } : {};
  }

  private failure(program: string, reason: string): CalicoError {
    return new CalicoError('E_KERNEL', program, reason.trim().split('\n').join(' '));
  }
}
