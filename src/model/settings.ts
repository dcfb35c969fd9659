/** The cluster, its nodes and how its programs are set: what is neither an endpoint nor policy. */
import type { Cidr, Ip } from '../net/index.ts';
import type { Labels, ResourceId } from './id.ts';

export interface Node {
  readonly id: ResourceId<'Node'>;
  readonly labels: Labels;
  readonly ipv4?: Ip;
  readonly ipv6?: Ip;
  /** The node's networks, from the same field as the address. */
  readonly ipv4Net?: Cidr;
  readonly ipv6Net?: Cidr;
  readonly asNumber?: number;
  readonly routeReflectorClusterId?: string;
  readonly ipv4IpipTunnel?: Ip;
  readonly ipv4VxlanTunnel?: Ip;
  readonly ipv6VxlanTunnel?: Ip;
  readonly vxlanTunnelMac?: string;
  readonly vxlanTunnelMacV6?: string;
}

export type Encapsulation = 'never' | 'always' | 'cross-subnet';

export interface IPPool {
  readonly id: ResourceId<'IPPool'>;
  readonly cidr: Cidr;
  readonly ipip: Encapsulation;
  readonly vxlan: Encapsulation;
  readonly natOutgoing: boolean;
  readonly disabled: boolean;
  readonly blockSize: number;
  readonly nodeSelector: string;
}

/** A block of addresses and whose it is, as far as routing is concerned. */
export interface IPAMBlock {
  readonly id: ResourceId<'IPAMBlock'>;
  readonly cidr: Cidr;
  /** The host that the block is affine to. */
  readonly host?: string;
  /** Addresses that another host uses: address → that host. */
  readonly borrowed: ReadonlyMap<Ip, string>;
}

/** Parameters of Felix by their names in felix.cfg, values as raw text. `default` or `node.<name>`. */
export interface FelixConfiguration {
  readonly id: ResourceId<'FelixConfiguration'>;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface ClusterInformation {
  readonly id: ResourceId<'ClusterInformation'>;
  readonly clusterGuid: string;
  readonly datastoreReady: boolean;
}

/** `default` or `node.<name>`; unset fields are absent. */
export interface BGPConfiguration {
  readonly id: ResourceId<'BGPConfiguration'>;
  readonly asNumber?: number;
  readonly nodeToNodeMeshEnabled?: boolean;
  readonly logSeverityScreen?: string;
  readonly listenPort?: number;
  readonly serviceClusterIps: readonly Cidr[];
  readonly serviceExternalIps: readonly Cidr[];
  readonly serviceLoadBalancerIps: readonly Cidr[];
}

export interface BGPPeer {
  readonly id: ResourceId<'BGPPeer'>;
  /** One node by name, or nodes by selector; neither: every node. */
  readonly node?: string;
  readonly nodeSelector?: string;
  /** A router by address and AS number, or nodes of this cluster by selector. */
  readonly peerIp?: Ip;
  readonly peerPort?: number;
  readonly asNumber?: number;
  readonly peerSelector?: string;
}
