/** iptables through iptables-save and iptables-restore, legacy and nft. */
export * from './backend.ts';
export * from './iptables.ts';
export * from './saved.ts';
export * from './table.ts';
