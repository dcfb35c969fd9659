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
  /** Peers are not told of its addresses. */
  readonly disableBgpExport?: boolean;
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
