/** Resources of the model as people would write them: what `calicoctl apply` takes. */
import { validate } from '../../src/api/index.ts';
import type {
  HostEndpoint,
  NetworkSet,
  Node,
  Policy,
  Profile,
  Rule,
  RuleEntity,
  WorkloadEndpoint,
} from '../../src/model/index.ts';
import { type Cidr, familyOf, ICMP, ICMPV6, TCP, UDP } from '../../src/net/index.ts';
import type { Resources } from '../naive/resources.ts';

type Fields = Record<string, unknown>;
export interface Document extends Fields {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** Every resource of the cluster; rules that nobody may write are made so that they can be, or left out. */
export function documentsOf({ workloads, policies, profiles, sets }: Resources): Document[] {
  return [...sets.map(networkSet), ...profiles.map(profile), ...policies.map(policy), ...workloads.map(workload)];
}

export const documentKey = ({ kind, metadata: { namespace = '', name } }: Document): string =>
  `${kind} ${namespace}/${name}`;

function document(kind: string, metadata: Document['metadata'] & Fields, spec: Fields): Document {
  return { apiVersion: 'projectcalico.org/v3', kind, metadata, spec };
}

export function node({ id, ipv4, ipv6 }: Pick<Node, 'id' | 'ipv4' | 'ipv6'>): Document {
  return document('Node', { name: id.name }, { bgp: { ipv4Address: `${ipv4}/24`, ipv6Address: `${ipv6}/64` } });
}

function workload({ id, node, interfaceName, nets, profiles, labels, ports }: WorkloadEndpoint): Document {
  const spec = {
    node,
    orchestrator: 'lab',
    workload: id.name,
    endpoint: 'eth0',
    interfaceName,
    ipNetworks: nets,
    profiles,
    ports: ports.map(({ name, protocol, port }) => ({ name, protocol: protocolText(protocol), port })),
  };
  return document('WorkloadEndpoint', { name: `${node}-lab-${id.name}-eth0`, namespace: 'default', labels }, spec);
}

export function hostEndpoint({ id, node, interfaceName, expectedIps, profiles, labels }: HostEndpoint): Document {
  return document(
    'HostEndpoint',
    { name: id.name, labels },
    { node, interfaceName, expectedIPs: expectedIps, profiles },
  );
}

function networkSet({ id, nets, labels }: NetworkSet): Document {
  return document(id.kind, { name: id.name, labels }, { nets });
}

function profile({ id, labelsToApply, ingress, egress }: Profile): Document {
  return document('Profile', { name: id.name }, { labelsToApply, ingress: rules(ingress), egress: rules(egress) });
}

/** Only a global one may be for another table than filter. */
function policy(value: Policy): Document {
  const { id, order, selector, types, ingress, egress, doNotTrack, preDNAT, applyOnForward } = value;
  const { kind, name, namespace } = id;
  const spec = {
    order: order ?? undefined,
    selector,
    types: types.map((type) => (type === 'ingress' ? 'Ingress' : 'Egress')),
    ...(types.includes('ingress') && { ingress: rules(ingress) }),
    ...(types.includes('egress') && { egress: rules(egress) }),
  };
  if (kind === 'NetworkPolicy') return document(kind, { name, namespace: namespace as string }, spec);
  const other = { doNotTrack, preDNAT, applyOnForward: applyOnForward || doNotTrack || preDNAT };
  return document(kind, { name }, { ...spec, ...other });
}

function rules(list: readonly Rule[]): Fields[] {
  return list.map(rule).filter(mayBeWritten);
}

function mayBeWritten(written: Fields): boolean {
  try {
    validate(document('GlobalNetworkPolicy', { name: 'p' }, { ingress: [written] }));
    return true;
  } catch {
    return false;
  }
}

/** All prefixes of a rule are of one IP version. */
function rule({ action, ipVersion, protocol, notProtocol, icmp, notIcmp, source, destination }: Rule): Fields {
  const first = [source, destination].flatMap(({ nets, notNets }) => [...nets, ...notNets])[0];
  const ofProtocol = protocol === ICMP ? 4 : protocol === ICMPV6 ? 6 : undefined;
  const family = ofProtocol ?? ipVersion ?? (first && familyOf(first));
  const nets = (list: readonly Cidr[]) => list.filter((net) => familyOf(net) === family);
  const side = ({ ports, notPorts, ...rest }: RuleEntity): Fields =>
    filled({
      nets: nets(rest.nets),
      notNets: nets(rest.notNets),
      selector: rest.selector,
      notSelector: rest.notSelector,
      ports: ports.map(portText),
      notPorts: notPorts.map(portText),
    });
  return filled({
    action: `${action[0]?.toUpperCase()}${action.slice(1)}`,
    ipVersion: ipVersion && family,
    protocol: protocol && protocolText(protocol),
    notProtocol: notProtocol && protocolText(notProtocol),
    icmp,
    notICMP: notIcmp,
    source: side(source),
    destination: side(destination),
  });
}

function portText(port: RuleEntity['ports'][number]): string | number {
  if ('name' in port) return port.name;
  return port.min === port.max ? port.min : `${port.min}:${port.max}`;
}

function protocolText(protocol: number): string | number {
  return { [TCP]: 'TCP', [UDP]: 'UDP', [ICMP]: 'ICMP', [ICMPV6]: 'ICMPv6' }[protocol] ?? protocol;
}

/** Without what says nothing. */
function filled(fields: Fields): Fields {
  const empty = (value: unknown) => value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !empty(value)));
}
