/** WorkloadEndpoint, HostEndpoint, NetworkSet, GlobalNetworkSet. */
import type {
  EndpointPort,
  HostEndpoint,
  Labels,
  NetworkSet,
  ResourceId,
  WorkloadEndpoint,
} from '../../model/index.ts';
import * as read from './read.ts';

const NAMESPACE = 'projectcalico.org/namespace';

/** Null for an endpoint without addresses: nothing can be routed to it, and upstream's syncer does not report it either. */
export function workloadEndpoint(
  id: ResourceId<'WorkloadEndpoint'>,
  spec: read.Fields,
  metadata: read.Fields,
): WorkloadEndpoint | null {
  const nets = read.cidrs(spec.ipNetworks, 'spec.ipNetworks');
  if (nets.length === 0) return null;
  return {
    id,
    node: read.requiredText(spec.node, 'spec.node'),
    orchestrator: read.requiredText(spec.orchestrator, 'spec.orchestrator'),
    workload: workloadOf(spec),
    endpoint: read.requiredText(spec.endpoint, 'spec.endpoint'),
    interfaceName: read.requiredText(spec.interfaceName, 'spec.interfaceName'),
    mac: read.text(spec.mac, 'spec.mac'),
    nets,
    nats: read.list(spec.ipNATs, 'spec.ipNATs').map(nat),
    profiles: read.texts(spec.profiles, 'spec.profiles'),
    labels: inNamespace(metadata, id.namespace ?? ''),
    ports: ports(spec),
  };
}

export function hostEndpoint(id: ResourceId<'HostEndpoint'>, spec: read.Fields, metadata: read.Fields): HostEndpoint {
  const expected = read.list(spec.expectedIPs, 'spec.expectedIPs');
  return {
    id,
    node: read.requiredText(spec.node, 'spec.node'),
    interfaceName: read.text(spec.interfaceName, 'spec.interfaceName'),
    expectedIps: expected.map((value) => requiredIp(value, 'spec.expectedIPs')),
    profiles: read.texts(spec.profiles, 'spec.profiles'),
    labels: read.labels(metadata.labels, 'metadata.labels'),
    ports: ports(spec),
  };
}

export function networkSet(id: ResourceId<'NetworkSet'>, spec: read.Fields, metadata: read.Fields): NetworkSet {
  const namespace = id.namespace ?? '';
  return { ...netsOf(id, spec, inNamespace(metadata, namespace)), profiles: [`kns.${namespace}`] };
}

export function globalNetworkSet(
  id: ResourceId<'GlobalNetworkSet'>,
  spec: read.Fields,
  metadata: read.Fields,
): NetworkSet {
  return netsOf(id, spec, read.labels(metadata.labels, 'metadata.labels'));
}

function netsOf(id: NetworkSet['id'], spec: read.Fields, labels: Labels): NetworkSet {
  return { id, nets: read.cidrs(spec.nets, 'spec.nets'), labels, profiles: [] };
}

/** What the orchestrator calls the workload is in a field of its own kind. */
function workloadOf(spec: read.Fields): string {
  const field = spec.orchestrator === 'k8s' ? 'pod' : spec.orchestrator === 'cni' ? 'containerID' : 'workload';
  return read.requiredText(spec[field], `spec.${field}`);
}

/** Policies of a namespace select by this label, so that it is there whoever wrote the resource. */
function inNamespace(metadata: read.Fields, namespace: string): Labels {
  const labels = read.labels(metadata.labels, 'metadata.labels');
  return labels[NAMESPACE] === namespace ? labels : { ...labels, [NAMESPACE]: namespace };
}

function nat(value: unknown): WorkloadEndpoint['nats'][number] {
  const { internalIP, externalIP } = read.object(value, 'spec.ipNATs');
  return {
    internal: requiredIp(internalIP, 'spec.ipNATs.internalIP'),
    external: requiredIp(externalIP, 'spec.ipNATs.externalIP'),
  };
}

function ports(spec: read.Fields): EndpointPort[] {
  return read.list(spec.ports, 'spec.ports').map((value) => {
    const { name, protocol, port } = read.object(value, 'spec.ports');
    const number = read.integer(port, 'spec.ports.port');
    const parsed = read.protocol(protocol, 'spec.ports.protocol');
    if (number === undefined || number < 1 || number > 65535) {
      throw new read.Undecodable('spec.ports.port', port, 'a port number');
    }
    if (parsed === undefined) throw new read.Undecodable('spec.ports.protocol', protocol, 'a protocol');
    return { name: read.requiredText(name, 'spec.ports.name'), protocol: parsed, port: number };
  });
}

function requiredIp(value: unknown, field: string) {
  const found = read.ip(value, field);
  if (!found) throw new read.Undecodable(field, value, 'an IP address');
  return found;
}
