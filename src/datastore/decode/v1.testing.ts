/** For tests: updates of the model in upstream's v1 vocabulary, so that they can be compared with recorded ones. */
import type {
  EndpointPort,
  FelixConfiguration,
  HostEndpoint,
  IPPool,
  NetworkSet,
  Node,
  Policy,
  Profile,
  Rule,
  RuleEntity,
  Update,
  WorkloadEndpoint,
} from '../../model/index.ts';
import { formatPortRange, type Protocol, protocolName } from '../../net/index.ts';

/** Path and value; parameters as text. */
export type Pair = [string, unknown];

export function toV1({ id, value }: Update): Pair[] {
  if (value === null) return [];
  switch (id.kind) {
    case 'WorkloadEndpoint':
      return [workloadEndpoint(value as WorkloadEndpoint)];
    case 'HostEndpoint':
      return [hostEndpoint(value as HostEndpoint)];
    case 'NetworkSet':
    case 'GlobalNetworkSet':
      return [networkSet(value as NetworkSet)];
    case 'NetworkPolicy':
    case 'GlobalNetworkPolicy':
      return [policy(value as Policy)];
    case 'Profile':
      return profile(value as Profile);
    case 'Node':
      return node(value as Node);
    case 'IPPool':
      return [pool(value as IPPool)];
    case 'FelixConfiguration':
      return felixConfiguration(value as FelixConfiguration);
    case 'ClusterInformation': {
      const { clusterGuid, datastoreReady } = value as { clusterGuid: string; datastoreReady: boolean };
      return [
        ['/calico/v1/Ready', datastoreReady],
        ['/calico/v1/config/ClusterGUID', clusterGuid],
      ];
    }
    default:
      return [];
  }
}

function workloadEndpoint(endpoint: WorkloadEndpoint): Pair {
  const { id, node, orchestrator, workload, endpoint: name } = endpoint;
  const path = `/calico/v1/host/${node}/workload/${orchestrator}/${id.namespace}%2f${workload}/endpoint/${name}`;
  const family = (v6: boolean) => endpoint.nets.filter((net) => net.includes(':') === v6);
  const nats = endpoint.nats.map(({ internal, external }) => ({ int_ip: internal, ext_ip: external }));
  return [
    path,
    {
      state: 'active',
      name: endpoint.interfaceName,
      active_instance_id: '',
      mac: endpoint.mac || null,
      profile_ids: endpoint.profiles.length > 0 ? endpoint.profiles : null,
      ...unlessEmpty({ ipv4_nets: family(false), ipv6_nets: family(true), ipv4_nat: nats }),
      labels: endpoint.labels,
      ...unlessEmpty({ ports: endpoint.ports.map(port) }),
      // Not in the model: nothing reads it.
      ...(nats.length > 0 ? { ipv4_gateway: '10.65.0.1', ipv6_gateway: 'fd00::1' } : {}),
    },
  ];
}

function hostEndpoint(endpoint: HostEndpoint): Pair {
  return [
    `/calico/v1/host/${endpoint.node}/endpoint/${endpoint.id.name}`,
    {
      name: endpoint.interfaceName,
      ...unlessEmpty({
        expected_ipv4_addrs: endpoint.expectedIps,
        labels: endpoint.labels,
        profile_ids: endpoint.profiles,
        ports: endpoint.ports.map(port),
      }),
    },
  ];
}

function networkSet({ id, nets, labels, profiles }: NetworkSet): Pair {
  const name = id.namespace ? `${id.namespace}%2f${id.name}` : id.name;
  return [`/calico/v1/netset/${name}`, unlessEmpty({ nets, labels, profile_ids: profiles })];
}

function policy(policy: Policy): Pair {
  const { id, storedName, tier } = policy;
  const name = id.namespace ? `${id.namespace}%2f${storedName}` : storedName;
  return [
    `/calico/v1/policy/tier/${tier}/policy/${name}`,
    {
      ...(id.namespace ? { namespace: id.namespace } : {}),
      ...(policy.order === null ? {} : { order: policy.order }),
      ...rules(policy),
      selector: policy.selector,
      ...(policy.doNotTrack ? { untracked: true } : {}),
      ...(policy.preDNAT ? { pre_dnat: true } : {}),
      ...(policy.applyOnForward ? { apply_on_forward: true } : {}),
      types: policy.types,
    },
  ];
}

function profile(profile: Profile): Pair[] {
  const path = `/calico/v1/policy/profile/${profile.id.name}`;
  const labels: Pair[] =
    Object.keys(profile.labelsToApply).length > 0 ? [[`${path}/labels`, profile.labelsToApply]] : [];
  return [...labels, [`${path}/rules`, rules(profile)]];
}

function rules({ ingress, egress }: { ingress: readonly Rule[]; egress: readonly Rule[] }) {
  return unlessEmpty({ inbound_rules: ingress.map(rule), outbound_rules: egress.map(rule) });
}

function rule(rule: Rule): object {
  const { icmp, notIcmp } = rule;
  return defined({
    action: rule.action === 'pass' ? 'next-tier' : rule.action,
    ip_version: rule.ipVersion,
    protocol: protocol(rule.protocol),
    icmp_type: icmp?.type,
    icmp_code: icmp?.code,
    '!protocol': protocol(rule.notProtocol),
    '!icmp_type': notIcmp?.type,
    '!icmp_code': notIcmp?.code,
    ...entity(rule.source, 'src'),
    ...entity(rule.destination, 'dst'),
    http: rule.http,
  });
}

function entity(side: RuleEntity, name: string): object {
  const port = (p: RuleEntity['ports'][number]) =>
    'name' in p ? p.name : p.min === p.max ? p.min : formatPortRange(p);
  return unlessEmpty({
    [`${name}_nets`]: side.nets,
    [`!${name}_nets`]: side.notNets,
    [`${name}_selector`]: side.selector,
    [`!${name}_selector`]: side.notSelector,
    [`${name}_ports`]: side.ports.map(port),
    [`!${name}_ports`]: side.notPorts.map(port),
  });
}

function node({ id, ipv4, ipv4IpipTunnel, ipv4VxlanTunnel, vxlanTunnelMac }: Node): Pair[] {
  const host = `/calico/v1/host/${id.name}`;
  const pairs: Pair[] = [
    [`${host}/bird_ip`, ipv4],
    [`${host}/config/IpInIpTunnelAddr`, ipv4IpipTunnel],
    [`${host}/config/IPv4VXLANTunnelAddr`, ipv4VxlanTunnel],
    [`${host}/config/VXLANTunnelMACAddr`, vxlanTunnelMac],
  ];
  return pairs.filter(([, value]) => value !== undefined);
}

function pool({ cidr, ipip, vxlan, natOutgoing, disabled }: IPPool): Pair {
  const mode = (encapsulation: string) => (encapsulation === 'never' ? '' : encapsulation);
  return [
    `/calico/v1/ipam/v${cidr.includes(':') ? 6 : 4}/pool/${cidr.replace('/', '-')}`,
    {
      cidr,
      ipip: ipip === 'never' ? '' : 'tunl0',
      ipip_mode: mode(ipip),
      vxlan_mode: mode(vxlan),
      masquerade: natOutgoing,
      ipam: !disabled,
      disabled,
    },
  ];
}

function felixConfiguration({ id, parameters }: FelixConfiguration): Pair[] {
  const scope = id.name === 'default' ? '' : `/host/${id.name.slice('node.'.length)}`;
  return Object.entries(parameters).map(([name, value]) => [`/calico/v1${scope}/config/${name}`, value]);
}

function port({ name, protocol: number, port }: EndpointPort) {
  return { name, protocol: protocol(number), port };
}

/** SCTP has no name in the recorded cases, which were written with its number. */
function protocol(number: Protocol | undefined): string | number | undefined {
  return number === undefined || number === 132 ? number : protocolName(number).toLowerCase();
}

function defined<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function unlessEmpty<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => Object.keys(value).length > 0)) as Partial<T>;
}
