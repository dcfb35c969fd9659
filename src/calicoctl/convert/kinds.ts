/** Resources of the v1 API as the v3 API has them, kind by kind. */
import { type Resource, workloadEndpointName } from '../../api/index.ts';
import { CalicoError } from '../../errors/index.ts';
import { type Cidr, familyOf, type Ip, lengthOf, parseCidr, parseIp } from '../../net/index.ts';
import { addressName, cidrName, nodeName, policyName, profileName, resourceName } from './names.ts';
import { convertProtocol, convertRules, convertSelector, type Fields } from './rules.ts';
import type { V1Kind, V1Resource } from './v1.ts';

/** Each throws E_INVALID for what v3 has no form for. */
export const CONVERSIONS: { readonly [K in V1Kind]: (resource: V1Resource<K>) => Resource } = {
  bgpPeer: ({ metadata: { scope, node, peerIP }, spec }) => {
    if ((scope === 'node') !== (node !== undefined))
      throw new CalicoError('E_INVALID', `bgpPeer ${peerIP}`, 'metadata.node: is for scope: node, and needed there');
    const address = parseIp(peerIP) as Ip;
    const on = node === undefined ? '' : nodeName(node);
    const name = `${on && `${on}.`}${addressName(address)}`;
    return v3('BGPPeer', { name }, { node: on || undefined, peerIP: address, asNumber: spec.asNumber });
  },

  hostEndpoint: ({ metadata, spec }) => {
    const node = nodeName(metadata.node);
    return v3(
      'HostEndpoint',
      { name: resourceName(`${node}.${metadata.name}`), labels: metadata.labels },
      {
        node,
        interfaceName: spec.interfaceName,
        expectedIPs: given(
          byFamily(
            spec.expectedIPs.map((text) => parseIp(text) as Ip),
            (text) => text,
          ),
        ),
        profiles: given(spec.profiles.map(profileName)),
        ports: given(spec.ports.map(convertPort)),
      },
    );
  },

  ipPool: ({ metadata, spec }) => {
    const cidr = parseCidr(metadata.cidr) as Cidr;
    const { enabled = false, mode = '' } = spec.ipip ?? {};
    const ipipMode = !enabled ? 'Never' : mode.toLowerCase() === 'cross-subnet' ? 'CrossSubnet' : 'Always';
    return v3(
      'IPPool',
      { name: cidrName(cidr) },
      {
        cidr,
        vxlanMode: 'Never',
        ipipMode,
        natOutgoing: spec['nat-outgoing'] || undefined,
        disabled: spec.disabled || undefined,
        blockSize: familyOf(cidr) === 4 ? 26 : 122,
        nodeSelector: 'all()',
      },
    );
  },

  node: ({ metadata, spec: { bgp, orchRefs } }) => {
    if (bgp && bgp.ipv4Address === undefined && bgp.ipv6Address === undefined)
      throw new CalicoError('E_INVALID', `node ${metadata.name}`, 'spec.bgp: has neither ipv4Address nor ipv6Address');
    const converted = bgp && {
      asNumber: bgp.asNumber,
      ipv4Address: interfaceAddress(bgp.ipv4Address),
      ipv6Address: interfaceAddress(bgp.ipv6Address),
    };
    return v3(
      'Node',
      { name: nodeName(metadata.name) },
      { bgp: converted && defined(converted), orchRefs: given(orchRefs) },
    );
  },

  policy: ({ metadata, spec }) => {
    const { order, ingress, egress, selector, doNotTrack, preDNAT } = spec;
    return v3(
      'GlobalNetworkPolicy',
      { name: policyName(metadata.name), annotations: metadata.annotations },
      {
        order,
        ingress: convertRules(ingress),
        egress: convertRules(egress),
        selector: selector ? convertSelector(selector) : undefined,
        types: policyTypes(metadata.name, spec),
        doNotTrack: doNotTrack || undefined,
        preDNAT: preDNAT || undefined,
        applyOnForward: doNotTrack || preDNAT || undefined,
      },
    );
  },

  profile: ({ metadata: { name, labels, tags }, spec }) => {
    const clash = tags.find((tag) => Object.hasOwn(labels, tag));
    if (clash !== undefined)
      throw new CalicoError('E_INVALID', `profile ${name}`, `metadata.tags: '${clash}' is the key of a label, too`, {
        hint: 'tags become labels: rename one of the two',
      });
    const labelsToApply = { ...labels, ...Object.fromEntries(tags.map((tag) => [tag, ''])) };
    return v3(
      'Profile',
      { name: profileName(name) },
      {
        ingress: convertRules(spec.ingress),
        egress: convertRules(spec.egress),
        labelsToApply: Object.keys(labelsToApply).length > 0 ? labelsToApply : undefined,
      },
    );
  },

  workloadEndpoint: (endpoint) => {
    const { metadata, spec } = endpoint;
    const { namespace, ...ids } = workloadIds(metadata);
    const { name, field, problem } = workloadEndpointName(ids);
    if (name === undefined)
      throw new CalicoError('E_INVALID', `workloadEndpoint ${metadata.name}`, `${field}: ${problem}`);
    const { 'calico/k8s_ns': inNamespace, ...labels } = metadata.labels;
    if (inNamespace !== undefined) labels['projectcalico.org/namespace'] = inNamespace;
    return v3(
      'WorkloadEndpoint',
      { name, namespace, labels: Object.keys(labels).length > 0 ? labels : undefined },
      {
        ...ids,
        ipNetworks: given(
          byFamily(
            spec.ipNetworks.map((text) => parseCidr(text) as Cidr),
            (text) => text,
          ),
        ),
        ipNATs: given(byFamily(spec.ipNATs, ({ internalIP }) => internalIP)),
        ipv4Gateway: spec.ipv4Gateway,
        ipv6Gateway: spec.ipv6Gateway,
        profiles: given(spec.profiles.map(profileName)),
        interfaceName: spec.interfaceName,
        mac: spec.mac,
        ports: given(spec.ports.map(convertPort)),
      },
    );
  },
};

function v3(kind: string, metadata: Fields, spec: Fields): Resource {
  const resource = { apiVersion: 'projectcalico.org/v3', kind, metadata: defined(metadata), spec: defined(spec) };
  return resource as unknown as Resource;
}

function workloadIds({
  name,
  workload,
  orchestrator,
  node,
  activeInstanceID,
}: V1Resource<'workloadEndpoint'>['metadata']) {
  const ids = { node: nodeName(node), orchestrator: resourceName(orchestrator), endpoint: resourceName(name) };
  if (orchestrator === 'cni') return { namespace: 'default', ...ids, containerID: workload };
  if (orchestrator === 'libnetwork') return { namespace: 'default', ...ids, workload: 'libnetwork' };
  if (orchestrator !== 'k8s') return { namespace: 'default', ...ids, workload: resourceName(workload) };
  const [namespace = '', ...pod] = workload.split('.');
  if (pod.length === 0)
    throw new CalicoError(
      'E_INVALID',
      `workloadEndpoint ${name}`,
      `metadata.workload: found '${workload}', expected NAMESPACE.POD`,
    );
  return { namespace, ...ids, pod: pod.join('.'), ...(activeInstanceID && { containerID: activeInstanceID }) };
}

function policyTypes(name: string, { types, ingress, egress }: V1Resource<'policy'>['spec']): string[] {
  if (types.length === 0) {
    if (egress.length === 0) return ['Ingress'];
    return ingress.length === 0 ? ['Egress'] : ['Ingress', 'Egress'];
  }
  return types.map((type) => {
    const known = ['Ingress', 'Egress'].find((known) => known.toLowerCase() === type.toLowerCase());
    if (known) return known;
    throw new CalicoError('E_INVALID', `policy ${name}`, `spec.types: found '${type}', expected ingress or egress`);
  });
}

/** An interface's address keeps its host part; one without a length is alone. */
function interfaceAddress(text: string | undefined): string | undefined {
  const cidr = text === undefined ? null : parseCidr(text);
  return cidr && text ? `${parseIp(text.split('/')[0] as string)}/${lengthOf(cidr)}` : undefined;
}

function convertPort({ name, protocol, port }: V1Resource<'hostEndpoint'>['spec']['ports'][number]): Fields {
  return { name, protocol: convertProtocol(protocol), port };
}

/** IPv4 first. */
function byFamily<T>(members: readonly T[], address: (member: T) => string): T[] {
  const of = (family: number) => members.filter((member) => familyOf(address(member)) === family);
  return [...of(4), ...of(6)];
}

function given<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length > 0 ? list : undefined;
}

function defined(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
