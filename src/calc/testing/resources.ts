/** Short ways to write resources in tests and benchmarks; everything left out has its usual default. */
import type {
  HostEndpoint,
  Invalid,
  IPAMBlock,
  IPPool,
  Kind,
  NetworkSet,
  Node,
  Policy,
  Profile,
  ResourceId,
  Rule,
  RuleEntity,
  Tier,
  Update,
  Values,
  WorkloadEndpoint,
} from '../../model/index.ts';
import { cidr, ip } from '../../net/index.ts';

type Value = Values[Kind];
type Fields<T> = Partial<Omit<T, 'id'>>;

export function put(value: Value): Update {
  return { id: value.id, value } as Update;
}

export function gone(value: { readonly id: ResourceId }): Update {
  return { id: value.id, value: null } as Update;
}

/** What the syncer sends for a stored resource that cannot be used; `standIn` takes its place. */
export function broken(id: ResourceId, standIn: Value | null = null): Update {
  const invalid: Invalid = { code: 'E_INVALID', reason: 'broken' };
  return { id, value: standIn, invalid } as Update;
}

export function workload(name: string, fields: Fields<WorkloadEndpoint> & { ips?: readonly string[] } = {}) {
  const { ips, ...rest } = fields;
  const value: WorkloadEndpoint = {
    id: { kind: 'WorkloadEndpoint', namespace: 'default', name },
    node: 'h1',
    orchestrator: 'openstack',
    workload: name,
    endpoint: 'eth0',
    interfaceName: `cali-${name}`,
    mac: '02:00:00:00:00:01',
    nets: [],
    nats: [],
    profiles: [],
    labels: {},
    ports: [],
    ...rest,
    ...(ips && { nets: ips.map(cidr) }),
  };
  return value;
}

export function hostEndpoint(name: string, fields: Fields<HostEndpoint> = {}): HostEndpoint {
  return {
    id: { kind: 'HostEndpoint', name },
    node: 'h1',
    interfaceName: 'eth0',
    expectedIps: [],
    profiles: [],
    labels: {},
    ports: [],
    ...fields,
  };
}

/** `name` or `namespace/name`. */
export function policy(name: string, fields: Fields<Policy> = {}): Policy {
  const [local, namespace] = name.split('/').reverse() as [string, string?];
  return {
    id: namespace ? { kind: 'NetworkPolicy', namespace, name: local } : { kind: 'GlobalNetworkPolicy', name: local },
    storedName: `default.${local}`,
    tier: 'default',
    order: null,
    selector: 'all()',
    types: ['ingress', 'egress'],
    ingress: [],
    egress: [],
    doNotTrack: false,
    preDNAT: false,
    applyOnForward: false,
    ...fields,
  };
}

export function profile(name: string, fields: Fields<Profile> = {}): Profile {
  return { id: { kind: 'Profile', name }, labelsToApply: {}, ingress: [], egress: [], ...fields };
}

export function tier(name: string, fields: Fields<Tier> = {}): Tier {
  return { id: { kind: 'Tier', name }, order: null, defaultAction: 'deny', ...fields };
}

/** `name` or `namespace/name`. */
export function networkSet(name: string, nets: readonly string[], fields: Fields<NetworkSet> = {}): NetworkSet {
  const [local, namespace] = name.split('/').reverse() as [string, string?];
  return {
    id: namespace ? { kind: 'NetworkSet', namespace, name: local } : { kind: 'GlobalNetworkSet', name: local },
    nets: nets.map(cidr),
    labels: {},
    profiles: [],
    ...fields,
  };
}

/** `address`: with its subnet (`172.30.0.2/24`) or without. `tunnel`: that of its end of the VXLAN tunnels. */
export function node(name: string, address: string, tunnel?: string, fields: Fields<Node> = {}): Node {
  return {
    id: { kind: 'Node', name },
    labels: {},
    ipv4: ip(address.split('/')[0]!),
    ...(address.includes('/') && { ipv4Net: cidr(address) }),
    ...(tunnel && { ipv4VxlanTunnel: ip(tunnel) }),
    ...fields,
  };
}

export function pool(net: string, fields: Fields<IPPool> = {}): IPPool {
  return {
    id: { kind: 'IPPool', name: net },
    cidr: cidr(net),
    ipip: 'never',
    vxlan: 'never',
    natOutgoing: false,
    disabled: false,
    blockSize: 26,
    nodeSelector: 'all()',
    ...fields,
  };
}

/** `borrowed`: address → host. */
export function block(net: string, host?: string, borrowed: Readonly<Record<string, string>> = {}): IPAMBlock {
  const entries = Object.entries(borrowed).map(([address, by]) => [ip(address), by] as const);
  return {
    id: { kind: 'IPAMBlock', name: net },
    cidr: cidr(net),
    ...(host !== undefined && { host }),
    borrowed: new Map(entries),
  };
}

export function entity(fields: Partial<RuleEntity> = {}): RuleEntity {
  return { nets: [], notNets: [], selector: '', notSelector: '', ports: [], notPorts: [], ...fields };
}

/** An allow rule unless it says otherwise. */
export function rule(
  fields: Partial<Omit<Rule, 'source' | 'destination'>> & {
    source?: Partial<RuleEntity>;
    destination?: Partial<RuleEntity>;
  } = {},
): Rule {
  const { source, destination, ...rest } = fields;
  return { action: 'allow', ...rest, source: entity(source), destination: entity(destination) };
}
