/** How full pools and blocks are: the table of `ipam show`. */
import { type Block, type BlockUsage, type Pool, usage } from '../../ipam/index.ts';
import { type Cidr, contains, familyOf, type Ip, lengthOf, maxLength } from '../../net/index.ts';
import { bordered } from '../output/bordered.ts';
import { count, share } from './numbers.ts';

/** Counts of addresses. */
type Usage = Pick<BlockUsage, 'capacity' | 'inUse' | 'reserved' | 'available'>;

/**
 * Pools, each with its blocks where they are asked for; then the blocks that are in no pool. As upstream v3.15 shows it,
 * and with what is reserved where anything is: v3.15 knows no reservations.
 */
export function usageTable(
  pools: readonly Pool[],
  blocks: readonly Block[],
  reservations: readonly Cidr[],
  withBlocks: boolean,
): string {
  const anyReserved = reservations.length > 0;
  const isReserved = (address: Ip) => reservations.some((prefix) => contains(prefix, address));
  const row = (grouping: string, cidr: Cidr, { capacity, inUse, reserved, available }: Usage): string[] => {
    const shares = anyReserved ? [inUse, reserved, available] : [inUse, available];
    return [grouping, cidr, count(capacity), ...shares.map((part) => share(part, capacity))];
  };
  const rows = usage(pools, blocks, anyReserved ? { has: isReserved, around: () => undefined } : null).flatMap(
    (group) => [
      ...(group.pool ? [row('IP Pool', group.pool.cidr, ofPool(group.pool.cidr, group.blocks, reservations))] : []),
      ...(withBlocks ? group.blocks.map((block) => row('Block', block.cidr, block)) : []),
    ],
  );
  const reserved = anyReserved ? ['IPS RESERVED'] : [];
  return bordered(['GROUPING', 'CIDR', 'IPS TOTAL', 'IPS IN USE', ...reserved, 'IPS FREE'], rows);
}

/** Most of a pool is in no block yet. */
function ofPool(pool: Cidr, blocks: readonly BlockUsage[], reservations: readonly Cidr[]): Usage {
  const sum = (of: (block: BlockUsage) => number) => blocks.reduce((total, block) => total + of(block), 0);
  const inUse = sum((block) => block.inUse);
  const both = sum((block) => block.inUse + block.reserved + block.available - block.capacity);
  const capacity = sizeOf(pool);
  const reserved = reservedIn(pool, reservations);
  return { capacity, inUse, reserved, available: capacity - inUse - reserved + both };
}

/** Two prefixes are one within the other, or have nothing in common. */
function reservedIn(pool: Cidr, reservations: readonly Cidr[]): number {
  if (reservations.some((prefix) => contains(prefix, pool))) return sizeOf(pool);
  const within = [...new Set(reservations)].filter((prefix) => contains(pool, prefix));
  const widest = within.filter((prefix) => !within.some((other) => other !== prefix && contains(other, prefix)));
  return widest.reduce((total, prefix) => total + sizeOf(prefix), 0);
}

function sizeOf(cidr: Cidr): number {
  return 2 ** (maxLength(familyOf(cidr)) - lengthOf(cidr));
}
