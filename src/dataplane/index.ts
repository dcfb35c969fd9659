/** Managers that keep the desired state of every kernel table, and the loop that brings it about. */
export { TUNNEL_DEVICES } from '../net/index.ts';
export * from './config.ts';
export * from './dataplane.ts';
export * from './drivers.ts';
export type { MtuRule } from './host-mtu.ts';
export type { IpipConfig } from './ipip.ts';
export * from './status.ts';
export type { RoundOutcome } from './undone.ts';
export type { VxlanConfig } from './vxlan.ts';
