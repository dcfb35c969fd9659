/** Addresses, prefixes, ports and protocols. Pure. */
export * from './cidr.ts';
export * from './ip.ts';
export * from './port.ts';
export * from './protocol.ts';
export * from './tunnels.ts';
