/** Linux: netlink, programs, sysctls. The only room that touches it. */
export { errnoName, kernelError, type Refusal } from './errno.ts';
export * from './exec.ts';
export * from './message.ts';
export * from './socket.ts';
