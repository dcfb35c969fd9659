/** From a subnet to what the DHCP agents know of it. */
import type { SubnetRecord } from '../dhcp-records.ts';
import type { Region } from '../region.ts';
import type { Subnet } from './neutron.ts';
import type { Record } from './record.ts';

/** Null where there is no DHCP: then nothing is stored. */
export function subnetOf(region: Region, subnet: Subnet): Record | null {
  if (!subnet.enable_dhcp) return null;
  const value: SubnetRecord = {
    network_id: subnet.network_id,
    cidr: subnet.cidr,
    gateway_ip: subnet.gateway_ip,
    host_routes: subnet.host_routes.map(({ destination, nexthop }) => ({ destination, nexthop })),
    ...(subnet.dns_nameservers.length > 0 ? { dns_servers: subnet.dns_nameservers } : {}),
  };
  return { key: `${region.subnets}${subnet.id}`, value };
}
