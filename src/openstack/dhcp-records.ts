/**
 * What the DHCP agents are told beside upstream's subnets. Upstream's driver has no keys for it, and its agent follows none
 * of these. A port's record is under its host, so that an agent follows only what concerns it.
 *
 * Every field may be absent: an agent must serve what upstream's driver wrote, too.
 */
import type { Region } from './region.ts';

/** Under upstream's key and with upstream's fields. */
export interface SubnetRecord {
  readonly network_id: string;
  readonly cidr: string;
  readonly gateway_ip: string | null;
  readonly host_routes: readonly { readonly destination: string; readonly nexthop: string }[];
  readonly dns_servers?: readonly string[];
}

export interface NetworkRecord {
  readonly mtu?: number;
  readonly dns_domain?: string;
  /** Subnet's id → its ipv6_ra_mode, where it has one. */
  readonly ipv6_ra_modes?: Readonly<Record<string, string>>;
}

export interface PortRecord {
  /** As Neutron has them: any text. */
  readonly extra_dhcp_opts?: readonly ExtraOption[];
  /** Of the port in Neutron: an instance's first one has its default route. */
  readonly created_at?: string;
}

export interface ExtraOption {
  readonly opt_name: string;
  readonly opt_value: string;
  readonly ip_version?: number;
}

/** What all these keys start with; a network's goes on with its id. */
export function networkRecords(region: Region): string {
  return `/calico/dhcp/v2/${region.segment}/network/`;
}

/** What the keys of a host's ports start with; a port's goes on with its id. */
export function portRecords(region: Region, host: string): string {
  return `/calico/dhcp/v2/${region.segment}/port/${host}/`;
}
