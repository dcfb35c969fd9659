/**
 * What the DHCP agents are told beside upstream's subnets: only where it differs from what they do by themselves, so that a
 * cloud that asks for nothing special has upstream's keys and no others.
 */
import { type NetworkRecord, networkRecords, type PortRecord, portRecords } from '../dhcp-records.ts';
import type { Region } from '../region.ts';
import type { Network, NetworkFacts, Port } from './neutron.ts';
import type { Record } from './record.ts';

const USUAL_MTU = 1500;
const USUAL_RA_MODE = 'dhcpv6-stateful';

/** Null: nothing is to be told. */
export function networkOf(region: Region, { network, subnets }: NetworkFacts): Record | null {
  const modes = subnets
    .filter(({ ipv6_ra_mode: mode }) => mode && mode !== USUAL_RA_MODE)
    .map(({ id, ipv6_ra_mode }) => [id, ipv6_ra_mode as string]);
  const value: NetworkRecord = {
    ...(network.mtu && network.mtu !== USUAL_MTU ? { mtu: network.mtu } : {}),
    ...(network.dns_domain ? { dns_domain: network.dns_domain } : {}),
    ...(modes.length > 0 ? { ipv6_ra_modes: Object.fromEntries(modes) } : {}),
  };
  return Object.keys(value).length > 0 ? { key: networkKey(region, network.id), value } : null;
}

export function networkKey(region: Region, id: Network['id']): string {
  return networkRecords(region) + id;
}

/** Of a port that is an instance's, on this host. */
export function portOptionsOf(region: Region, host: string, port: Port): Record | null {
  const options = port.extra_dhcp_opts ?? [];
  if (options.length === 0) return null;
  const value: PortRecord = {
    extra_dhcp_opts: options.map(({ opt_name, opt_value, ip_version }) => ({
      opt_name,
      opt_value,
      ...(ip_version ? { ip_version } : {}),
    })),
    ...(port.created_at ? { created_at: port.created_at } : {}),
  };
  return { key: portRecords(region, host) + port.id, value };
}

/** What the keys of all ports start with. */
export function allPortRecords(region: Region): string {
  return portRecords(region, '').replace(/\/$/, '');
}
