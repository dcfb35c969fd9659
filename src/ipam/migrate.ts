/**
 * Moving everything from one pool to another: what is to be done, in order, from how things are now. Planned again after each
 * step it goes on where it stands. Pure.
 */
import { parseJson } from '../api/json.ts';
import { CalicoError } from '../errors/index.ts';
import { contains, familyOf, lengthOf, maxLength } from '../net/index.ts';
import { check, type GivenAddress } from './check.ts';
import { type Pool, selects } from './pools.ts';
import type { Snapshot } from './snapshot.ts';

export type MigrationStep =
  /** Nothing new is given of the pool; what is given stays in use. */
  | { readonly do: 'disable-pool'; readonly pool: Pool }
  /** A person, or who manages the workload, makes it anew; it then gets an address of another pool. */
  | {
      readonly do: 'recreate-workload';
      readonly name: string;
      readonly node: string;
      readonly given: readonly GivenAddress[];
    }
  /** The node's tunnel gets another address by itself once the pool is disabled. */
  | { readonly do: 'await-tunnel'; readonly node: string; readonly given: GivenAddress }
  /** Given, and nothing uses it: see check. */
  | { readonly do: 'look-into'; readonly given: GivenAddress }
  | { readonly do: 'release-affinities'; readonly pool: Pool }
  | { readonly do: 'delete-pool'; readonly pool: Pool };

export interface MigrationPlan {
  readonly from: Pool;
  readonly to: Pool;
  readonly steps: readonly MigrationStep[];
  /** How many of the steps can be executed now; the rest waits for others. */
  readonly executable: number;
  readonly warnings: readonly string[];
  /** E_REFUSED: it could not end well. */
  readonly refusal: CalicoError | null;
}

/** `from`, `to`: names or prefixes of pools. E_NOT_FOUND. */
export function planMigration(snapshot: Snapshot, from: string, to: string): MigrationPlan {
  const [source, target] = [named(snapshot, from), named(snapshot, to)];
  const given = check(snapshot).given.filter(({ address }) => contains(source.cidr, address));
  const steps: MigrationStep[] = source.disabled ? [] : [{ do: 'disable-pool', pool: source }];
  steps.push(...moves(given));
  const executable = given.length === 0 ? steps.length + 2 : source.disabled ? 0 : 1;
  steps.push({ do: 'release-affinities', pool: source }, { do: 'delete-pool', pool: source });
  return {
    from: source,
    to: target,
    steps,
    executable,
    warnings: warnings(snapshot, source, target),
    refusal: refusal(snapshot, source, target, given),
  };
}

function moves(given: readonly GivenAddress[]): MigrationStep[] {
  const used = given.flatMap((one) => (one.usedBy[0] ? [{ one, use: one.usedBy[0] }] : []));
  const workloads = Map.groupBy(
    used.filter(({ use }) => use.by === 'workload'),
    ({ use }) => use.name,
  );
  return [
    ...[...workloads].map(([name, of]) => ({
      do: 'recreate-workload' as const,
      name,
      node: of[0]?.use.node ?? '',
      given: of.map(({ one }) => one),
    })),
    ...used
      .filter(({ use }) => use.by !== 'workload')
      .map(({ one, use }) => ({ do: 'await-tunnel' as const, node: use.node, given: one })),
    ...given.filter(({ usedBy }) => usedBy.length === 0).map((one) => ({ do: 'look-into' as const, given: one })),
  ];
}

function refusal(snapshot: Snapshot, source: Pool, target: Pool, given: readonly GivenAddress[]): CalicoError | null {
  const refuse = (message: string, hint: string) => new CalicoError('E_REFUSED', target.name, message, { hint });
  if (source.name === target.name) return refuse('is the pool to move from', 'name another one');
  if (familyOf(source.cidr) !== familyOf(target.cidr))
    return refuse(`is not of the family of ${source.name}`, 'name a pool of the same family');
  if (target.disabled) return refuse('is disabled', 'enable it first');
  if (!target.automatic) return refuse('gives addresses only to who names it', 'set its assignmentMode to Automatic');
  const unserved = nodesOf(given).filter((node) => {
    const labels = snapshot.nodes.get(node);
    return labels !== undefined && !selects(target, labels);
  });
  if (unserved.length > 0)
    return refuse(
      `does not select ${unserved.join(', ')}, where addresses of ${source.name} are in use`,
      'change its nodeSelector',
    );
  const free = freeAddresses(snapshot, target);
  if (free < BigInt(given.length))
    return refuse(`has ${free} free addresses, and ${given.length} of ${source.name} are in use`, 'name a larger pool');
  return tooFewBlocks(snapshot, target, given, refuse);
}

/** Under strict affinity every node needs blocks of its own. */
function tooFewBlocks(
  snapshot: Snapshot,
  target: Pool,
  given: readonly GivenAddress[],
  refuse: (message: string, hint: string) => CalicoError,
): CalicoError | null {
  if (!snapshot.config.strictAffinity) return null;
  const size = 2 ** (maxLength(familyOf(target.cidr)) - target.blockSize);
  const perNode = Map.groupBy(given, nodeOf);
  const needed = [...perNode.values()].reduce((sum, of) => sum + Math.ceil(of.length / size), 0);
  const all = 1n << BigInt(target.blockSize - lengthOf(target.cidr));
  const left = all - BigInt(snapshot.blocks.filter(({ cidr }) => contains(target.cidr, cidr)).length);
  if (left >= BigInt(needed)) return null;
  return refuse(
    `has ${left} blocks left, and ${needed} are needed: affinity is strict`,
    'name a larger pool, or one of smaller blocks',
  );
}

function warnings({ pools, nodes }: Snapshot, source: Pool, target: Pool): string[] {
  const [was, is] = [specOf(source), specOf(target)];
  const out = ['ipipMode', 'vxlanMode', 'natOutgoing', 'disableBGPExport'].flatMap((field) => {
    const [before, after] = [was[field] ?? 'not set', is[field] ?? 'not set'];
    return before === after ? [] : [`${field} is ${after} in ${target.name} and ${before} in ${source.name}`];
  });
  const others = pools.filter(
    (pool) =>
      pool.name !== source.name &&
      pool.name !== target.name &&
      !pool.disabled &&
      pool.automatic &&
      familyOf(pool.cidr) === familyOf(source.cidr) &&
      [...nodes.values()].some((labels) => selects(pool, labels)),
  );
  for (const { name } of others) out.push(`new addresses may come from ${name} as well`);
  return out;
}

function freeAddresses({ blocks }: Snapshot, { cidr }: Pool): bigint {
  const size = 1n << BigInt(maxLength(familyOf(cidr)) - lengthOf(cidr));
  const taken = blocks
    .filter((stored) => contains(cidr, stored.cidr))
    .reduce((sum, { block }) => sum + (block?.allocations.filter((owner) => owner !== null).length ?? 0), 0);
  return size - BigInt(taken);
}

function nodesOf(given: readonly GivenAddress[]): string[] {
  return [...new Set(given.map(nodeOf))].filter((node) => node !== '');
}

function nodeOf({ usedBy, attributes }: GivenAddress): string {
  return usedBy[0]?.node ?? attributes?.node ?? '';
}

function specOf({ stored }: Pool): Record<string, unknown> {
  return (parseJson(stored.value) as { spec?: Record<string, unknown> }).spec ?? {};
}

function named({ pools }: Snapshot, name: string): Pool {
  const pool = pools.find((pool) => pool.name === name || pool.cidr === name);
  if (!pool) throw new CalicoError('E_NOT_FOUND', name, 'there is no such IPPool');
  return pool;
}
