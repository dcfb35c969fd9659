/** Addresses for workloads: pools, blocks, handles. */
export type { Assigned, Owner, Request } from './assigner.ts';
export type { Attributes } from './block.ts';
export type { IpamConfig } from './config.ts';
export { type AddressOwner, Ipam, type IpamOptions } from './ipam.ts';
export type { Claimant } from './keys.ts';
export type { Assignment } from './plan.ts';
export type { Pool, Use } from './pools.ts';
export type { ReleaseOf } from './release.ts';
export type { BlockUsage, PoolUsage } from './usage.ts';
