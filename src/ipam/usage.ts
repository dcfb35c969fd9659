/** How full pools and their blocks are. Pure. */
import { type Cidr, contains } from '../net/index.ts';
import { addressAt, type Block, type Reserved } from './block.ts';
import type { Pool } from './pools.ts';

export interface BlockUsage {
  readonly cidr: Cidr;
  readonly affinity: string | null;
  readonly capacity: number;
  readonly inUse: number;
  /** Addresses of it that are reserved, in use or not. */
  readonly reserved: number;
  /** Neither in use nor reserved. */
  readonly available: number;
}

/** `pool: null`: blocks that are in no pool any more. */
export interface PoolUsage {
  readonly pool: Pool | null;
  readonly blocks: readonly BlockUsage[];
}

/** Blocks in the order of their keys; last those of no pool. */
export function usage(pools: readonly Pool[], blocks: readonly Block[], reserved: Reserved): PoolUsage[] {
  const measured = blocks.map((block) => measure(block, reserved));
  const within = (pool: Pool) => measured.filter((block) => contains(pool.cidr, block.cidr));
  const outside = measured.filter((block) => !pools.some((pool) => contains(pool.cidr, block.cidr)));
  return [...pools.map((pool) => ({ pool, blocks: within(pool) })), { pool: null, blocks: outside }];
}

function measure(block: Block, reserved: Reserved): BlockUsage {
  const { cidr, affinity, allocations, unallocated } = block;
  const isReserved = (ordinal: number) => reserved?.has(addressAt(block, ordinal)) ?? false;
  return {
    cidr,
    affinity,
    capacity: allocations.length,
    inUse: allocations.filter((owner) => owner !== null).length,
    reserved: reserved ? allocations.filter((_, ordinal) => isReserved(ordinal)).length : 0,
    available: unallocated.filter((ordinal) => !isReserved(ordinal)).length,
  };
}
