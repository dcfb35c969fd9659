/** The encapsulations in which hosts send each other packets of workloads, and which of them are in force. */
import type { IPPool, Node } from '../model/index.ts';
import { familyOf } from '../net/index.ts';
import type { RulesConfig } from './config.ts';

/** By protocol and family. IP-in-IP is IPv4's only. */
export const ENCAPSULATIONS = ['ipip4', 'vxlan4', 'vxlan6'] as const;
export type Encapsulation = (typeof ENCAPSULATIONS)[number];

/** `by pools`: where some pool uses it. Absent: off, whatever pools say. */
export type EncapsulationConfig = { readonly [E in Encapsulation]?: 'on' | 'by pools' };

/** A host's addresses within the tunnels. */
export type TunnelAddresses = Pick<Node, 'ipv4IpipTunnel' | 'ipv4VxlanTunnel' | 'ipv6VxlanTunnel'>;

/** What the pool's packets are encapsulated in where they are; null: they never are. */
export function encapsulationOf({ cidr, ipip, vxlan }: IPPool): Encapsulation | null {
  const family = familyOf(cidr);
  if (vxlan !== 'never') return family === 4 ? 'vxlan4' : 'vxlan6';
  return ipip !== 'never' && family === 4 ? 'ipip4' : null;
}

export function wantedEncapsulations(config: EncapsulationConfig, pools: Iterable<IPPool>): ReadonlySet<Encapsulation> {
  const used = new Set([...pools].map(encapsulationOf));
  return new Set(ENCAPSULATIONS.filter((one) => config[one] === 'on' || (config[one] && used.has(one))));
}

/** The rules for these and no others, on a host that has these addresses within them. */
export function withEncapsulations(
  config: RulesConfig,
  on: ReadonlySet<Encapsulation>,
  { ipv4IpipTunnel, ipv4VxlanTunnel, ipv6VxlanTunnel }: TunnelAddresses = {},
): RulesConfig {
  const addresses = { ipip4: ipv4IpipTunnel, vxlan4: ipv4VxlanTunnel, vxlan6: ipv6VxlanTunnel };
  return {
    ...config,
    ipip: on.has('ipip4'),
    vxlan: on.has('vxlan4'),
    vxlanV6: on.has('vxlan6'),
    addressedTunnels: ENCAPSULATIONS.filter((one) => on.has(one) && addresses[one]),
  };
}
