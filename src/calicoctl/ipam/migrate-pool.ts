/** ipam migrate: from one pool to another, step by step; planned anew each time, it goes on where it stands. */
import type { Client } from '../../datastore/index.ts';
import { Ipam, type MigrationPlan, type MigrationStep, planMigration, readSnapshot } from '../../ipam/index.ts';
import type { Io } from '../io.ts';
import { withClient } from '../session.ts';
import { attributesText } from './findings.ts';

export interface MigrateOptions {
  readonly config?: string;
  readonly plan?: boolean;
}

/** `from`, `to`: names or prefixes of pools. E_NOT_FOUND, E_REFUSED. */
export async function migratePool(io: Io, from: string, to: string, options: MigrateOptions): Promise<void> {
  await withClient(io, options.config, async (client) => {
    const plan = planMigration(await readSnapshot(client.store), from, to);
    io.out(planText(plan));
    if (plan.refusal) throw plan.refusal;
    if (options.plan) return;
    const left = await advance(io, client, plan);
    if (left > 0) io.out(`${left} steps are left; run this again when what they wait for is done\n`);
  });
}

/** Resolves to how many steps are left. */
async function advance(io: Io, client: Client, { from, to, steps, executable }: MigrationPlan): Promise<number> {
  for (const step of steps.slice(0, executable)) {
    await execute(client, step);
    io.out(`Done: ${stepText(step)}\n`);
    // What was given just before the pool was disabled is seen only now.
    if (step.do === 'disable-pool')
      return advance(io, client, planMigration(await readSnapshot(client.store), from.name, to.name));
  }
  return steps.length - executable;
}

function planText({ from, to, steps, executable, warnings }: MigrationPlan): string {
  const lines = [
    `From ${from.name} (${from.cidr}) to ${to.name} (${to.cidr}):`,
    ...steps.map((step, i) => `  ${i + 1}. ${stepText(step)}${i < executable ? ' (now)' : ''}`),
    ...warnings.map((warning) => `Warning: ${warning}`),
  ];
  return `${lines.join('\n')}\n`;
}

function stepText(step: MigrationStep): string {
  switch (step.do) {
    case 'disable-pool':
      return `disable ${step.pool.name}: nothing new is given of it`;
    case 'recreate-workload':
      return `make the workload ${step.name} on ${step.node} anew: it has ${step.given.map(({ address }) => address).join(', ')}`;
    case 'await-tunnel':
      return `wait until ${step.node} has another tunnel address than ${step.given.address}`;
    case 'look-into':
      return `look into ${step.given.address}, which nobody seems to use (${attributesText(step.given)}): ipam check`;
    case 'release-affinities':
      return `release the blocks of ${step.pool.name}`;
    case 'delete-pool':
      return `delete ${step.pool.name}`;
  }
}

async function execute(client: Client, step: MigrationStep): Promise<void> {
  switch (step.do) {
    case 'disable-pool': {
      const pool = await client.get('IPPool', step.pool.name);
      await client.update({ ...pool, spec: { ...pool.spec, disabled: true } });
      return;
    }
    case 'release-affinities':
      return new Ipam(client.store).releasePoolAffinities(step.pool.cidr);
    case 'delete-pool':
      await client.delete('IPPool', step.pool.name);
      return;
    default: // the others wait for people, and are never executable
      return;
  }
}
