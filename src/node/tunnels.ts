/** The kinds of tunnels between nodes, and what upstream calls the address that a node has in each. */
import type { Resource } from '../api/index.ts';
import { selects } from '../ipam/pools.ts';
import { type Cidr, type Family, familyOf, parseCidr } from '../net/index.ts';

export interface Tunnel {
  readonly name: string;
  readonly family: Family;
  /** The field of the Node's spec that holds the address. */
  readonly field: string;
  /** The pool's field that turns the encapsulation on. */
  readonly mode: 'ipipMode' | 'vxlanMode';
  /** The handle is this and the node's name. */
  readonly handlePrefix: string;
  /** The attribute `type` of the allocation. */
  readonly type: string;
}

export const TUNNELS: readonly Tunnel[] = [
  {
    name: 'IP-in-IP',
    family: 4,
    field: 'bgp.ipv4IPIPTunnelAddr',
    mode: 'ipipMode',
    handlePrefix: 'ipip-tunnel-addr-',
    type: 'ipipTunnelAddress',
  },
  {
    name: 'VXLAN',
    family: 4,
    field: 'ipv4VXLANTunnelAddr',
    mode: 'vxlanMode',
    handlePrefix: 'vxlan-tunnel-addr-',
    type: 'vxlanTunnelAddress',
  },
  {
    name: 'VXLAN over IPv6',
    family: 6,
    field: 'ipv6VXLANTunnelAddr',
    mode: 'vxlanMode',
    handlePrefix: 'vxlan-v6-tunnel-addr-',
    type: 'vxlanV6TunnelAddress',
  },
];

/** The pools from which the node takes its address of the tunnel; none: it needs none. */
export function poolsOf(tunnel: Tunnel, node: Resource, pools: readonly Resource[]): Cidr[] {
  return pools.flatMap(({ spec }) => {
    const prefix = parseCidr(String(spec?.cidr));
    const mode = spec?.[tunnel.mode];
    if (!prefix || familyOf(prefix) !== tunnel.family || spec?.disabled) return [];
    if (mode !== 'Always' && mode !== 'CrossSubnet') return [];
    const { allowedUses } = spec ?? {};
    if (Array.isArray(allowedUses) && allowedUses.length > 0 && !allowedUses.includes('Tunnel')) return [];
    const nodeSelector = String(spec?.nodeSelector ?? '');
    return selects({ nodeSelector }, node.metadata.labels ?? {}) ? [prefix] : [];
  });
}
