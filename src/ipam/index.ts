/** Addresses for workloads: pools, blocks, handles. */
export type { Assigned, Owner, Request } from './assigner.ts';
export { type Attributes, allocated, type Block, parseBlock } from './block.ts';
export { type CheckReport, check, type GivenAddress, type Problem } from './check.ts';
export { releaseNode, retirePool } from './clean-up.ts';
export type { IpamConfig } from './config.ts';
export { applyFix, type FixOptions, type FixPlan, type FixStep, planFix } from './fix.ts';
export { type AddressOwner, Ipam, type IpamOptions } from './ipam.ts';
export type { Claimant } from './keys.ts';
export { type MigrationPlan, type MigrationStep, planMigration } from './migrate.ts';
export type { Assignment } from './plan.ts';
export { type Pool, readPools, type Use } from './pools.ts';
export type { ReleaseOf } from './release.ts';
export { type AddressUse, readSnapshot, type Snapshot } from './snapshot.ts';
export { type BlockUsage, type PoolUsage, usage } from './usage.ts';
