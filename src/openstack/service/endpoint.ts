/** From a port to its WorkloadEndpoint. */
import { workloadEndpointName } from '../../api/index.ts';
import { resourceKey } from '../../datastore/index.ts';
import { familyOf, lengthOf, parseCidr } from '../../net/index.ts';
import type { Region } from '../region.ts';
import { groupLabels, projectLabels, UNPOLICED } from './labels.ts';
import type { Port, PortFacts, Project } from './neutron.ts';
import type { Record, StoredResource } from './record.ts';

const ANNOTATION = 'openstack.projectcalico.org/';
/** What Linux takes for an interface's name. Nova names the tap itself: `tap` and as much of the port's id as fits. */
export const INTERFACE_LENGTH = 14;

const WIDEST_ROUTED = { ipv4: 8, ipv6: 16 };

/** `nothing`: the port is none of ours (now); `keep`: whatever is stored stays, for the port is on its way between hosts. */
export type EndpointOutcome = { readonly endpoint: Record } | 'nothing' | 'keep';

export function endpointOf(
  region: Region,
  { port, subnets, security_groups, floatingips }: PortFacts,
  project: Project,
  interfaceLength: number = INTERFACE_LENGTH,
): EndpointOutcome {
  const node = port['binding:host_id'];
  if (!isInstance(port) || !node || port['binding:vif_type'] === 'unbound') return 'nothing';
  if (port['binding:profile']?.migrating_to) return 'keep';
  const { name } = workloadEndpointName({
    node,
    orchestrator: 'openstack',
    workload: port.device_id,
    endpoint: port.id,
  });
  if (name === undefined) return 'nothing';
  const { routed: pairs, sources } = pairNetworks(port);
  const policed = port.port_security_enabled !== false;
  const members = new Set(port.security_groups ?? []);
  const value: StoredResource = {
    apiVersion: 'projectcalico.org/v3',
    kind: 'WorkloadEndpoint',
    metadata: {
      name,
      namespace: region.namespace,
      labels: {
        ...groupLabels(security_groups.filter(({ id }) => members.has(id))),
        ...projectLabels(project),
        ...(policed ? {} : { [UNPOLICED]: 'true' }),
        'projectcalico.org/namespace': region.namespace,
        'projectcalico.org/orchestrator': 'openstack',
      },
      annotations: annotationsOf(port),
    },
    spec: {
      orchestrator: 'openstack',
      workload: port.device_id,
      node,
      endpoint: port.id,
      interfaceName: `tap${port.id}`.slice(0, interfaceLength),
      mac: port.mac_address,
      ipNetworks: [...port.fixed_ips.map(({ ip_address }) => networkOf(ip_address)), ...pairs],
      allowedIps: pairs,
      ...gateways(port, subnets),
      ...translations(port, floatingips),
      ...spoofing(policed ? sources : ['0.0.0.0/0', '::/0']),
    },
  };
  return { endpoint: { key: endpointKey(region, name), value } };
}

/** What the keys of all endpoints of the region start with. */
export function endpointPrefix(region: Region): string {
  return endpointKey(region, '');
}

/** The host that an endpoint of ours is on. */
export function hostOfEndpoint(name: string): string | null {
  const [node] = name.split(/(?<=[^-])-(?=[^-])/);
  return node ? node.replaceAll('--', '-') : null;
}

/** The port that an endpoint of ours is made from; null for a name that no endpoint of OpenStack's has. */
export function portOfEndpoint(name: string): string | null {
  const parts = name.split(/(?<=[^-])-(?=[^-])/);
  return parts.length === 4 && parts[1] === 'openstack' ? (parts[3] as string).replaceAll('--', '-') : null;
}

function endpointKey(region: Region, name: string): string {
  return resourceKey('workloadendpoints', name, region.namespace);
}

/** Only an instance's port has an endpoint: what its owner claims to be otherwise gets no packet through at all. */
function isInstance({ device_owner }: Port): boolean {
  return device_owner.startsWith('compute:') || device_owner.startsWith('kuryr:container');
}

function annotationsOf(port: Port): { [name: string]: string } {
  const fqdn = port.dns_assignment?.[0]?.fqdn;
  return { [`${ANNOTATION}network-id`]: port.network_id, ...(fqdn && { [`${ANNOTATION}fqdn`]: fqdn }) };
}

/**
 * A pair's addresses are the instance's own: they are routed to it. A prefix as wide as 0.0.0.0/0 only says what it may send from;
 * routed, it would be the host's way to everywhere.
 */
function pairNetworks(port: Port): { readonly routed: string[]; readonly sources: string[] } {
  const networks = (port.allowed_address_pairs ?? []).map(({ ip_address }) => networkOf(ip_address));
  return { routed: networks.filter((text) => !isWide(text)), sources: networks.filter(isWide) };
}

function isWide(text: string): boolean {
  const prefix = parseCidr(text);
  return prefix !== null && lengthOf(prefix) < (familyOf(prefix) === 4 ? WIDEST_ROUTED.ipv4 : WIDEST_ROUTED.ipv6);
}

function spoofing(prefixes: readonly string[]) {
  return prefixes.length > 0 ? { allowSpoofedSourcePrefixes: prefixes } : {};
}

/** Text that is no address stays as it is, and Felix closes the endpoint; Neutron lets none through. */
function networkOf(text: string): string {
  return parseCidr(text) ?? text;
}

/** Of several subnets of a family the last one's with a gateway, in the order of the port's addresses. */
function gateways(port: Port, subnets: PortFacts['subnets']): { ipv4Gateway?: string; ipv6Gateway?: string } {
  const found: { ipv4Gateway?: string; ipv6Gateway?: string } = {};
  for (const { subnet_id } of port.fixed_ips) {
    const subnet = subnets.find(({ id }) => id === subnet_id);
    if (subnet?.gateway_ip) found[subnet.ip_version === 4 ? 'ipv4Gateway' : 'ipv6Gateway'] = subnet.gateway_ip;
  }
  return found;
}

function translations(port: Port, floatingips: PortFacts['floatingips']) {
  const ipNATs = floatingips
    .filter(({ port_id, fixed_ip_address }) => port_id === port.id && fixed_ip_address !== null)
    .map((floating) => ({ internalIP: floating.fixed_ip_address, externalIP: floating.floating_ip_address }))
    .sort((a, b) => (a.externalIP < b.externalIP ? -1 : 1));
  return ipNATs.length > 0 ? { ipNATs } : {};
}
