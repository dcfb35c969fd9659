/** Addresses for workloads: pools, blocks, handles. */
export type { Assigned, Owner } from './assigner.ts';
export { type Attributes, allocated, type Block, parseBlock } from './block.ts';
export { type CheckReport, check, type GivenAddress, type Problem } from './check.ts';
export { releaseNode, retirePool } from './clean-up.ts';
export type { IpamConfig } from './config.ts';
export { applyFix, type FixPlan, type FixStep, planFix } from './fix.ts';
export { Ipam } from './ipam.ts';
export { type MigrationPlan, type MigrationStep, planMigration } from './migrate.ts';
export { type Pool, readPools } from './pools.ts';
export type { ReleaseOf } from './release.ts';
export { type AddressUse, readSnapshot, type Snapshot } from './snapshot.ts';
export { type BlockUsage, type PoolUsage, usage } from './usage.ts';
