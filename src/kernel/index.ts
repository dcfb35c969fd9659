/** Linux: netlink, programs, sysctls. The only room that touches it. */

export * from './conntrack.ts';
export { errnoName, kernelError, type Refusal, refusal } from './errno.ts';
export type { KernelEvent } from './events.ts';
export * from './exec.ts';
export * from './fdb.ts';
export * from './ipset.ts';
export { isMember } from './ipset-member.ts';
export * from './link.ts';
export * from './message.ts';
export * from './neighbour.ts';
export * from './notify.ts';
export * from './qdisc.ts';
export * from './redirect.ts';
export * from './route.ts';
export * from './rtnetlink.ts';
export * from './socket.ts';
export * from './sysctl.ts';
export * from './syslog.ts';
export type { Vxlan } from './vxlan.ts';
