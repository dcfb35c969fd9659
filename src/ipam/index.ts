/** Addresses for workloads: pools, blocks, handles. */
export { type Assignment, Ipam } from './ipam.ts';
