/** BGPConfiguration, BGPPeer, BGPFilter, CalicoNodeStatus. */
import { parseDuration } from '../../api/duration.ts';
import type {
  BGPConfiguration,
  BGPFilter,
  BGPFilterOperation,
  BGPFilterRule,
  BGPPeer,
  CalicoNodeStatus,
  Community,
  ResourceId,
  SecretRef,
} from '../../model/index.ts';
import type { Cidr, Ip } from '../../net/index.ts';
import * as read from './read.ts';
import { asNumber, optionalFlag, optionalText, selector } from './settings.ts';

/** Upstream has no field for BFD; an annotation is kept by every version's client. Its value is Calico Enterprise's. */
const FAILURE_DETECTION = 'projectcalico.org/failureDetectionMode';

export function bgpConfiguration(
  id: ResourceId<'BGPConfiguration'>,
  spec: read.Fields,
  metadata: read.Fields,
): BGPConfiguration {
  const nets = (field: string) => read.list(spec[field], `spec.${field}`, netOf);
  const communities = read.list(spec.communities, 'spec.communities', (value, field) => {
    const fields = read.object(value, field);
    return [read.requiredText(fields.name, `${field}.name`), community(fields.value, `${field}.value`)] as const;
  });
  return read.present<BGPConfiguration>({
    id,
    asNumber: asNumber(spec.asNumber, 'spec.asNumber'),
    nodeToNodeMeshEnabled: optionalFlag(spec.nodeToNodeMeshEnabled, 'spec.nodeToNodeMeshEnabled'),
    nodeMeshPassword: secret(spec.nodeMeshPassword, 'spec.nodeMeshPassword'),
    nodeMeshMaxRestartTime: seconds(spec.nodeMeshMaxRestartTime, 'spec.nodeMeshMaxRestartTime'),
    logSeverityScreen: optionalText(spec.logSeverityScreen, 'spec.logSeverityScreen'),
    listenPort: read.integer(spec.listenPort, 'spec.listenPort') || undefined,
    bindToNodeIp: spec.bindMode === 'NodeIP' || undefined,
    serviceClusterIps: nets('serviceClusterIPs'),
    serviceExternalIps: nets('serviceExternalIPs'),
    serviceLoadBalancerIps: nets('serviceLoadBalancerIPs'),
    communities: communities.length > 0 ? new Map(communities) : undefined,
    prefixAdvertisements: spec.prefixAdvertisements
      ? read.list(spec.prefixAdvertisements, 'spec.prefixAdvertisements', (value, field) => ({
          cidr: netOf(value, field),
          communities: read.texts(read.object(value, field).communities, `${field}.communities`),
        }))
      : undefined,
    ignoredInterfaces: spec.ignoredInterfaces
      ? read.list(spec.ignoredInterfaces, 'spec.ignoredInterfaces', interfacePattern)
      : undefined,
    programClusterRoutes: oneOf(spec.programClusterRoutes, 'spec.programClusterRoutes', {
      Enabled: 'all',
      Disabled: 'none',
      EnabledIPIPOnly: 'ipip',
      EnabledNoEncapOnly: 'unencapsulated',
    }),
    ipv4RoutePriority: read.integer(spec.ipv4NormalRoutePriority, 'spec.ipv4NormalRoutePriority'),
    ipv6RoutePriority: read.integer(spec.ipv6NormalRoutePriority, 'spec.ipv6NormalRoutePriority'),
    bfd: wantsBfd(metadata),
  });
}

export function bgpPeer(id: ResourceId<'BGPPeer'>, spec: read.Fields, metadata: read.Fields): BGPPeer {
  const { ip, port } = peerAddress(spec.peerIP);
  return read.present<BGPPeer>({
    id,
    node: optionalText(spec.node, 'spec.node'),
    nodeSelector: selector(spec.nodeSelector, 'spec.nodeSelector'),
    peerIp: ip,
    peerPort: port,
    asNumber: asNumber(spec.asNumber, 'spec.asNumber'),
    peerSelector: selector(spec.peerSelector, 'spec.peerSelector'),
    localWorkloadSelector: selector(spec.localWorkloadSelector, 'spec.localWorkloadSelector'),
    localAsNumber: asNumber(spec.localASNumber, 'spec.localASNumber'),
    nextHop: read.flag(spec.keepOriginalNextHop, 'spec.keepOriginalNextHop')
      ? 'keep'
      : oneOf(spec.nextHopMode, 'spec.nextHopMode', { Auto: undefined, Self: 'self', Keep: 'keep' }),
    password: secret(spec.password, 'spec.password'),
    anySource: oneOf(spec.sourceAddress, 'spec.sourceAddress', { UseNodeIP: undefined, None: true }),
    maxRestartTime: seconds(spec.maxRestartTime, 'spec.maxRestartTime'),
    keepaliveTime: seconds(spec.keepaliveTime, 'spec.keepaliveTime'),
    allowedLocalAs: read.integer(spec.numAllowedLocalASNumbers, 'spec.numAllowedLocalASNumbers') || undefined,
    ttlSecurity: read.integer(spec.ttlSecurity, 'spec.ttlSecurity') || undefined,
    reachableBy: read.ip(spec.reachableBy, 'spec.reachableBy'),
    filters: spec.filters ? read.texts(spec.filters, 'spec.filters') : undefined,
    oneWay: oneOf(spec.reversePeering, 'spec.reversePeering', { Auto: undefined, Manual: true }),
    bfd: wantsBfd(metadata),
  });
}

export function bgpFilter(id: ResourceId<'BGPFilter'>, spec: read.Fields): BGPFilter {
  const rules = (field: string) => read.list(spec[field], `spec.${field}`, filterRule);
  return {
    id,
    export4: rules('exportV4'),
    import4: rules('importV4'),
    export6: rules('exportV6'),
    import6: rules('importV6'),
  };
}

export function calicoNodeStatus(id: ResourceId<'CalicoNodeStatus'>, spec: read.Fields): CalicoNodeStatus {
  return {
    id,
    node: read.text(spec.node, 'spec.node'),
    classes: read.texts(spec.classes, 'spec.classes'),
    updatePeriod: read.integer(spec.updatePeriodSeconds, 'spec.updatePeriodSeconds') ?? DEFAULT_PERIOD,
  };
}

const DEFAULT_PERIOD = 10;

function filterRule(value: unknown, field: string): BGPFilterRule {
  const rule = read.object(value, field);
  const lengths = read.object(rule.prefixLength, `${field}.prefixLength`);
  const communities = read.object(rule.communities, `${field}.communities`);
  const asPath = read.list(rule.asPathPrefix, `${field}.asPathPrefix`, requiredAs);
  return read.present<BGPFilterRule>({
    accept: oneOf(rule.action, `${field}.action`, { Accept: true, Reject: false }) ?? false,
    cidr: rule.cidr ? read.cidr(rule.cidr, `${field}.cidr`) : undefined,
    operator: oneOf(rule.matchOperator, `${field}.matchOperator`, OPERATORS),
    minLength: read.integer(lengths.min, `${field}.prefixLength.min`),
    maxLength: read.integer(lengths.max, `${field}.prefixLength.max`),
    fromPeers: oneOf(rule.source, `${field}.source`, { RemotePeers: true }),
    interface: rule.interface ? interfacePattern(rule.interface, `${field}.interface`) : undefined,
    peerType: oneOf(rule.peerType, `${field}.peerType`, { eBGP: 'ebgp', iBGP: 'ibgp' }),
    community: read.list(communities.values, `${field}.communities.values`, community)[0],
    asPath: asPath.length > 0 ? asPath : undefined,
    priority: read.integer(rule.priority, `${field}.priority`),
    operations: read.list(rule.operations, `${field}.operations`, operation),
  });
}

const OPERATORS = { Equal: 'equal', NotEqual: 'not-equal', In: 'in', NotIn: 'not-in' } as const;

function operation(value: unknown, field: string): BGPFilterOperation {
  const found = read.object(value, field);
  if (found.addCommunity) {
    const { value: added } = read.object(found.addCommunity, `${field}.addCommunity`);
    return { type: 'add-community', community: community(added, `${field}.addCommunity.value`) };
  }
  if (found.prependASPath) {
    const { prefix } = read.object(found.prependASPath, `${field}.prependASPath`);
    return { type: 'prepend', asNumbers: read.list(prefix, `${field}.prependASPath.prefix`, requiredAs) };
  }
  const { value: priority } = read.object(found.setPriority, `${field}.setPriority`);
  const number = read.integer(priority, `${field}.setPriority.value`);
  if (number === undefined) throw new read.Undecodable(field, value, 'an operation');
  return { type: 'set-priority', priority: number };
}

function interfacePattern(value: unknown, field: string): string {
  const written = read.text(value, field);
  if (!/^[a-zA-Z0-9_.*-]{1,15}$/.test(written)) throw new read.Undecodable(field, value, 'the name of an interface');
  return written;
}

function requiredAs(value: unknown, field: string): number {
  const number = asNumber(value, field);
  if (number === undefined) throw new read.Undecodable(field, value, 'an AS number');
  return number;
}

function netOf(value: unknown, field: string): Cidr {
  return read.cidr(read.object(value, field).cidr, field);
}

/** `64512:1` or `64512:1:2`. */
function community(value: unknown, field: string): Community {
  const written = read.text(value, field);
  if (!/^\d+(:\d+){1,2}$/.test(written)) throw new read.Undecodable(field, value, 'a BGP community');
  const numbers = written.split(':').map(Number);
  if (numbers.some((number) => number > (numbers.length === 2 ? 0xffff : 0xffffffff)))
    throw new read.Undecodable(field, value, 'a BGP community');
  return numbers;
}

function secret(value: unknown, field: string): SecretRef | undefined {
  const ref = read.object(read.object(value, field).secretKeyRef, `${field}.secretKeyRef`);
  const key = optionalText(ref.key, `${field}.secretKeyRef.key`);
  if (key === undefined) return undefined;
  const name = read.text(ref.name, `${field}.secretKeyRef.name`);
  return { name, key, optional: read.flag(ref.optional, `${field}.secretKeyRef.optional`) };
}

/** A duration as text, in whole seconds, one at least. */
function seconds(value: unknown, field: string): number | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const nanoseconds = typeof value === 'string' ? parseDuration(value) : null;
  if (nanoseconds === null || nanoseconds < 0) throw new read.Undecodable(field, value, 'a duration');
  return Math.max(1, Math.round(nanoseconds / 1e9));
}

/** `192.0.2.1`, `192.0.2.1:179`, `fd00::1` or `[fd00::1]:179`. */
function peerAddress(value: unknown): { ip: Ip | undefined; port: number | undefined } {
  const written = read.text(value, 'spec.peerIP');
  const match = /^\[(.*)\](?::(\d+))?$/.exec(written) ?? /^([^:]*):(\d+)$/.exec(written);
  if (!match) return { ip: read.ip(value, 'spec.peerIP'), port: undefined };
  return { ip: read.ip(match[1], 'spec.peerIP'), port: match[2] === undefined ? undefined : Number(match[2]) };
}

/** What the word stands for; undefined when there is none. */
function oneOf<T>(value: unknown, field: string, words: Readonly<Record<string, T>>): T | undefined {
  const written = optionalText(value, field);
  if (written === undefined) return undefined;
  if (!Object.hasOwn(words, written)) throw new read.Undecodable(field, value, Object.keys(words).join(' or '));
  return words[written];
}

function wantsBfd(metadata: read.Fields): boolean | undefined {
  const mode = read.object(metadata.annotations, 'metadata.annotations')[FAILURE_DETECTION];
  return mode === 'BFDIfDirectlyConnected' || undefined;
}
