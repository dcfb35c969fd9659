/** WorkloadEndpoint, HostEndpoint, NetworkSet, GlobalNetworkSet: what of them cannot be read must not open anything. */
import type {
  EndpointPort,
  HostEndpoint,
  Labels,
  NetworkSet,
  ResourceId,
  WorkloadEndpoint,
} from '../../model/index.ts';
import type { Ip } from '../../net/index.ts';
import { qosControls } from './qos.ts';
import * as read from './read.ts';
import { Salvage } from './salvage.ts';

const NAMESPACE = 'projectcalico.org/namespace';

/**
 * Null for an endpoint without addresses: nothing can be routed to it, and upstream's syncer does not report it either.
 * One that cannot be read is in force on no host, so that its interface is closed; but selectors find it, as far as its
 * addresses can be read, for a rule elsewhere may deny them. Throws where its labels cannot be read: nobody knows then
 * which selectors it must not match.
 */
export function workloadEndpoint(
  id: ResourceId<'WorkloadEndpoint'>,
  spec: read.Fields,
  metadata: unknown,
): read.Decoded<WorkloadEndpoint | null> {
  const salvage = new Salvage();
  const selected: Selected = {
    nets: salvage.list(spec.ipNetworks, 'spec.ipNetworks', read.cidr),
    profiles: read.texts(spec.profiles, 'spec.profiles'),
    labels: inNamespace(metadata, id.namespace ?? ''),
    ports: salvage.list(spec.ports, 'spec.ports', port),
  };
  const running = salvage.or(NOWHERE, () => runningWorkload(spec));
  const value = { id, ...selected, ...(salvage.intact ? running : NOWHERE) };
  return salvage.decoded(selected.nets.length > 0 ? value : null);
}

/** What makes an endpoint a member of sets. */
type Selected = Pick<WorkloadEndpoint, 'nets' | 'profiles' | 'labels' | 'ports'>;
type Running = Omit<WorkloadEndpoint, 'id' | keyof Selected>;

const NOWHERE: Running = {
  node: '',
  orchestrator: '',
  workload: '',
  endpoint: '',
  interfaceName: '',
  mac: '',
  nats: [],
};

function runningWorkload(spec: read.Fields): Running {
  const allowedSources = read.cidrs(spec.allowSpoofedSourcePrefixes, 'spec.allowSpoofedSourcePrefixes');
  const qos = qosControls(spec.qosControls, 'spec.qosControls');
  return {
    node: read.requiredText(spec.node, 'spec.node'),
    orchestrator: read.requiredText(spec.orchestrator, 'spec.orchestrator'),
    workload: workloadOf(spec),
    endpoint: read.requiredText(spec.endpoint, 'spec.endpoint'),
    interfaceName: interfaceOf(read.requiredText(spec.interfaceName, 'spec.interfaceName')),
    mac: read.text(spec.mac, 'spec.mac'),
    nats: read.list(spec.ipNATs, 'spec.ipNATs', nat),
    ...(allowedSources.length > 0 && { allowedSources }),
    ...(qos && { qos }),
  };
}

/**
 * As long as its interface is known, that has policy: what else cannot be read is left out, and without labels, or after
 * a profile that cannot be read, no profile allows anything. Throws when it is not known whose interface it is, or which.
 */
export function hostEndpoint(
  id: ResourceId<'HostEndpoint'>,
  spec: read.Fields,
  metadata: unknown,
): read.Decoded<HostEndpoint> {
  const salvage = new Salvage();
  const expectedIps = salvage.list(spec.expectedIPs, 'spec.expectedIPs', requiredIp);
  const interfaceName = () => hostInterface(read.text(spec.interfaceName, 'spec.interfaceName'));
  const labels = salvage.or(null, () => labelsOf(metadata));
  return salvage.decoded({
    id,
    node: read.requiredText(spec.node, 'spec.node'),
    interfaceName: expectedIps.length > 0 ? salvage.or('', interfaceName) : interfaceName(),
    expectedIps,
    profiles: labels ? salvage.until(spec.profiles, 'spec.profiles', read.text) : [],
    labels: labels ?? {},
    ports: salvage.list(spec.ports, 'spec.ports', port),
  });
}

export function networkSet(
  id: ResourceId<'NetworkSet'>,
  spec: read.Fields,
  metadata: unknown,
): read.Decoded<NetworkSet> {
  const namespace = id.namespace ?? '';
  return setOf(id, spec, { labels: inNamespace(metadata, namespace), profiles: [`kns.${namespace}`] });
}

export function globalNetworkSet(
  id: ResourceId<'GlobalNetworkSet'>,
  spec: read.Fields,
  metadata: unknown,
): read.Decoded<NetworkSet> {
  return setOf(id, spec, { labels: labelsOf(metadata), profiles: [] });
}

/** One bad prefix leaves the others: a rule may deny them. */
function setOf(
  id: NetworkSet['id'],
  spec: read.Fields,
  selected: Pick<NetworkSet, 'labels' | 'profiles'>,
): read.Decoded<NetworkSet> {
  const salvage = new Salvage();
  return salvage.decoded({ id, nets: salvage.list(spec.nets, 'spec.nets', read.cidr), ...selected });
}

function labelsOf(metadata: unknown): Labels {
  return read.labels(read.object(metadata, 'metadata').labels, 'metadata.labels');
}

/** What the orchestrator calls the workload is in a field of its own kind. */
function workloadOf(spec: read.Fields): string {
  const field = spec.orchestrator === 'k8s' ? 'pod' : spec.orchestrator === 'cni' ? 'containerID' : 'workload';
  return read.requiredText(spec[field], `spec.${field}`);
}

/** Policies of a namespace select by this label, so that it is there whoever wrote the resource. */
function inNamespace(metadata: unknown, namespace: string): Labels {
  const labels = labelsOf(metadata);
  return labels[NAMESPACE] === namespace ? labels : { ...labels, [NAMESPACE]: namespace };
}

function nat(value: unknown, field: string): WorkloadEndpoint['nats'][number] {
  const { internalIP, externalIP } = read.object(value, field);
  return {
    internal: requiredIp(internalIP, `${field}.internalIP`),
    external: requiredIp(externalIP, `${field}.externalIP`),
  };
}

function port(value: unknown, field: string): EndpointPort {
  const { name, protocol, port } = read.object(value, field);
  const number = read.integer(port, `${field}.port`);
  const parsed = read.protocol(protocol, `${field}.protocol`);
  if (number === undefined || number < 1 || number > 65535) {
    throw new read.Undecodable(`${field}.port`, port, 'a port number');
  }
  if (parsed === undefined) throw new read.Undecodable(`${field}.protocol`, protocol, 'a protocol');
  return { name: read.requiredText(name, `${field}.name`), protocol: parsed, port: number };
}

function requiredIp(value: unknown, field: string): Ip {
  const found = read.ip(value, field);
  if (!found) throw new read.Undecodable(field, value, 'an IP address');
  return found;
}

/**
 * Names that no interface can have must get no further: the chains that lead to all endpoints name each one's interface,
 * so that the kernel would refuse all for one, and `+` would be every interface.
 */
function interfaceOf(name: string): string {
  if (!/^[\w.-]{1,15}$/.test(name) || ['.', '..', 'all', 'default'].includes(name))
    throw new read.Undecodable('spec.interfaceName', name, 'the name of an interface');
  return name;
}

function hostInterface(name: string): string {
  return name === '' || name === '*' ? name : interfaceOf(name);
}
