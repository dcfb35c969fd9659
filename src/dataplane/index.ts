/** Managers that keep the desired state of every kernel table, and the loop that brings it about. */
export * from './config.ts';
export * from './dataplane.ts';
export * from './drivers.ts';
export type { MtuRule } from './host-mtu.ts';
export type { IpipConfig } from './ipip.ts';
export * from './status.ts';
export type { RoundOutcome } from './undone.ts';
export type { VxlanConfig } from './vxlan.ts';
