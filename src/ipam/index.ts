/** Addresses for workloads: pools, blocks, handles. */
export { type Assignment, Ipam, type Owner } from './ipam.ts';
