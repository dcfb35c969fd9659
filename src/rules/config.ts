/** What the compiled chains depend on beside policy and endpoints: decided by Felix's configuration. */
import { type Cidr, type Ip, type PortRange, type Protocol, TCP, UDP } from '../net/index.ts';
import { type MarkBits, markBits } from './marks.ts';
import type { Encapsulation } from './tunnels.ts';

export interface ProtocolPort {
  readonly protocol: Protocol;
  readonly port: number;
  /** The other end is in here; absent: anywhere. */
  readonly net?: Cidr;
}

/** What becomes of a packet that is denied; `reject` tells its sender. */
export type DenyAction = 'drop' | 'reject';

export interface RulesConfig {
  /** Interfaces of workloads are those whose name starts with one of these. */
  readonly interfacePrefixes: readonly string[];
  readonly marks: MarkBits;
  /** What a workload's packet to its own host meets once the workload's egress policy allowed it. */
  readonly endpointToHostAction: 'accept' | 'drop' | 'return';
  /** `accept` ends the filter table for allowed packets; `return` gives the rules of others a say. */
  readonly filterAllowAction: 'accept' | 'return';
  readonly mangleAllowAction: 'accept' | 'return';
  /** In the filter table; in those before it nothing but dropping is possible. */
  readonly filterDenyAction: DenyAction;
  /** Packets that conntrack calls invalid are denied before policy is asked. */
  readonly denyInvalid: boolean;
  /** Of the rules of policies with action Log. */
  readonly logPrefix: string;
  /** Ports that host endpoints' policy cannot close. */
  readonly failsafeInbound: readonly ProtocolPort[];
  readonly failsafeOutbound: readonly ProtocolPort[];
  /** The host takes part in IP-in-IP: tunnel packets pass between cluster hosts, and from no one else. */
  readonly ipip: boolean;
  /** The same of VXLAN, by the IP version of its packets. */
  readonly vxlan: boolean;
  readonly vxlanV6: boolean;
  readonly vxlanPort: number;
  /** Tunnels in which the host has an address: what leaves by them from the host itself gets that address. */
  readonly addressedTunnels: readonly Encapsulation[];
  readonly allowVxlanFromWorkloads: boolean;
  readonly allowIpipFromWorkloads: boolean;
  /** Source ports to masquerade with; absent: the kernel chooses. */
  readonly natPortRange?: PortRange;
  /** Source address for NAT-outgoing; absent: that of the interface the packet leaves by. */
  readonly natOutgoingAddress?: Ip;
  /** NAT-outgoing only where the packet leaves by this interface; a prefix when it ends in `+`. Absent: by any. */
  readonly natOutgoingInterface?: string;
  /** No NAT-outgoing to the addresses of the cluster's hosts, as to those of pools. */
  readonly natOutgoingExcludesHosts: boolean;
  /** What becomes of packets to service prefixes that nobody translated: they would come back by BGP's route. */
  readonly serviceLoopPrevention: DenyAction | 'disabled';
  /** Workloads may use the source addresses that their endpoints list as allowed to be spoofed. */
  readonly workloadSourceSpoofing: boolean;
  /** OpenStack VMs need DHCP, DHCPv6 and DNS from their host before policy has a say. */
  readonly openstack: boolean;
  /** Where 169.254.169.254:80 leads to (OpenStack; IPv4 only). */
  readonly metadata?: { readonly address: Ip; readonly port: number };
}

const tcp = (port: number): ProtocolPort => ({ protocol: TCP, port });
const udp = (port: number): ProtocolPort => ({ protocol: UDP, port });

/** Upstream's defaults. */
export const DEFAULT_RULES_CONFIG: RulesConfig = {
  interfacePrefixes: ['cali'],
  marks: markBits(0xffff0000),
  endpointToHostAction: 'drop',
  filterAllowAction: 'accept',
  mangleAllowAction: 'accept',
  filterDenyAction: 'drop',
  denyInvalid: true,
  logPrefix: 'calico-packet',
  failsafeInbound: [tcp(22), udp(68), tcp(179), tcp(2379), tcp(2380), tcp(5473), tcp(6443), tcp(6666), tcp(6667)],
  failsafeOutbound: [udp(53), udp(67), tcp(179), tcp(2379), tcp(2380), tcp(5473), tcp(6443), tcp(6666), tcp(6667)],
  ipip: false,
  vxlan: false,
  vxlanV6: false,
  addressedTunnels: [],
  vxlanPort: 4789,
  allowVxlanFromWorkloads: false,
  allowIpipFromWorkloads: false,
  natOutgoingExcludesHosts: false,
  serviceLoopPrevention: 'drop',
  workloadSourceSpoofing: false,
  openstack: false,
};
