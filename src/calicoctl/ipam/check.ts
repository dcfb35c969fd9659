/** ipam check: do pools, blocks, handles, nodes and workloads agree about addresses? And: mending what does not. */
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../datastore/index.ts';
import { CalicoError } from '../../errors/index.ts';
import { applyFix, type CheckReport, check, type FixPlan, planFix, readSnapshot } from '../../ipam/index.ts';
import { type Io, pathIn } from '../io.ts';
import { withClient } from '../session.ts';
import { checkText } from './check-text.ts';
import { planText, stepText } from './fix-text.ts';
import { formatReport, makeReport } from './report.ts';

export interface CheckOptions {
  readonly config?: string;
  readonly showAllIps?: boolean;
  readonly showProblemIps?: boolean;
  readonly output?: string;
  readonly fix?: boolean;
  readonly plan?: boolean;
  readonly unsure?: boolean;
  readonly limit?: string;
  readonly wait: string;
}

export async function checkIpam(io: Io, options: CheckOptions): Promise<void> {
  if (options.plan && !options.fix)
    throw new CalicoError('E_USAGE', '--plan', 'is what --fix would do', { hint: 'ipam check --fix --plan' });
  const limit = options.limit === undefined ? undefined : whole('--limit', options.limit);
  const seconds = whole('--wait', options.wait);
  await withClient(io, options.config, async (client) => {
    const snapshot = await readSnapshot(client.store);
    const report = check(snapshot);
    const detail = {
      all: options.showAllIps ?? false,
      problems: options.showProblemIps || options.showAllIps || false,
    };
    io.out(checkText(snapshot, report, detail));
    if (options.output !== undefined) {
      const cluster = await client.get('ClusterInformation', 'default');
      await write(io, options.output, formatReport(makeReport(snapshot, report, cluster)));
    }
    if (!options.fix) return;
    const allowed = { ...(limit !== undefined && { limit }), unsure: options.unsure ?? false };
    if (options.plan) return show(io, planFix(report, allowed));
    const plan = planFix(await lookAgain(io, client, seconds), { ...allowed, earlier: report });
    show(io, plan);
    await mend(io, client, plan);
  });
}

/** What is just being set up has an address before it is seen to use it: only what is unused twice is. */
async function lookAgain(io: Io, client: Client, seconds: number): Promise<CheckReport> {
  if (seconds > 0) io.out(`Looking again in ${seconds} s, for what is only being set up...\n`);
  await sleep(seconds * 1000);
  return check(await readSnapshot(client.store));
}

function show(io: Io, plan: FixPlan): void {
  io.out(planText(plan));
  if (plan.refusal) throw plan.refusal;
}

async function mend(io: Io, { store }: Client, plan: FixPlan): Promise<void> {
  await applyFix(store, plan, (step, problem) => {
    io.out(`${problem ? `Not done: ${stepText(step)}: ${problem.message}` : `Done: ${stepText(step)}`}\n`);
  });
}

async function write(io: Io, file: string, text: string): Promise<void> {
  try {
    await writeFile(pathIn(io, file), text);
  } catch (cause) {
    throw new CalicoError('E_FILE', file, 'cannot be written', { hint: (cause as Error).message, cause });
  }
}

function whole(option: string, argument: string): number {
  if (/^\d{1,9}$/.test(argument)) return Number(argument);
  throw new CalicoError('E_USAGE', option, `'${argument}' is not a whole number`);
}
