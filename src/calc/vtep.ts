/** The node's end of a VXLAN tunnel. */
import { createHash } from 'node:crypto';
import type { Node } from '../model/index.ts';
import type { Family } from '../net/index.ts';
import type { Vtep } from './output.ts';

/** Null for a node that takes no part: it has no tunnel address, or no address of its own. */
export function vtepOf(node: Node, family: Family): Omit<Vtep, 'local'> | null {
  const host = family === 4 ? node.ipv4 : node.ipv6;
  const address = family === 4 ? node.ipv4VxlanTunnel : node.ipv6VxlanTunnel;
  const mac = family === 4 ? node.vxlanTunnelMac : node.vxlanTunnelMacV6;
  if (!host || !address) return null;
  return { node: node.id.name, family, host, address, mac: mac ?? tunnelMac(node.id.name, family) };
}

/** What every host works out alike for a node that has no MAC in the datastore: `66:` and five bytes of its name's SHA-1. */
export function tunnelMac(node: string, family: Family): string {
  const digest = createHash('sha1')
    .update(family === 4 ? node : `${node}-v6`)
    .digest('hex');
  return `66${digest.slice(0, 10)}`.replace(/..(?=.)/g, '$&:');
}
