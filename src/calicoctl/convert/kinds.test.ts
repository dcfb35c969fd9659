/** What upstream's recordings of convert do not have. */
import { expect, test } from 'vitest';
import { validate } from '../../api/index.ts';
import { convertObject } from './convert.ts';

function converted(kind: string, metadata: unknown, spec: unknown) {
  const resource = convertObject({ apiVersion: 'v1', kind, metadata, spec });
  validate(structuredClone(resource));
  return { name: resource.metadata.name, spec: resource.spec };
}

test('a peer of one node; halves of an AS number', () => {
  const peer = converted('bgpPeer', { scope: 'node', node: 'Host-1', peerIP: 'aa:bb::ff' }, { asNumber: '1.10' });
  expect(peer.name).toBe('host-1.00aa-00bb-0000-0000-0000-0000-0000-00ff');
  expect(peer.spec).toEqual({ asNumber: 65546, node: 'host-1', peerIP: 'aa:bb::ff' });
  expect(() => converted('bgpPeer', { scope: 'global', node: 'x', peerIP: '10.0.0.1' }, { asNumber: 1 })).toThrow(
    /node/,
  );
});

test('a host endpoint: IPv4 first, ports, profiles of namespaces', () => {
  const spec = {
    expectedIPs: ['fd00::1', '10.0.0.1'],
    ports: [{ name: 'http', protocol: 'tcp', port: 80 }],
    profiles: ['k8s_ns.foo'],
  };
  expect(converted('hostEndpoint', { name: 'eth0', node: 'MyHost' }, spec)).toEqual({
    name: 'myhost.eth0',
    spec: {
      node: 'myhost',
      expectedIPs: ['10.0.0.1', 'fd00::1'],
      ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
      profiles: ['kns.foo'],
    },
  });
});

test('a policy: tags, nets, ICMP, actions, the direction that its rules have', () => {
  const egress = [
    {
      action: 'pass',
      protocol: 'icmp',
      icmp: { type: 8, code: 0 },
      source: { net: '10.0.0.1/8', notTag: 't', notSelector: 'has(x)' },
    },
  ];
  expect(
    converted('policy', { name: 'p' }, { doNotTrack: true, egress, selector: "calico/k8s_ns == 'x'" }).spec,
  ).toEqual({
    doNotTrack: true,
    applyOnForward: true,
    selector: "projectcalico.org/namespace == 'x'",
    types: ['Egress'],
    egress: [
      {
        action: 'Pass',
        protocol: 'ICMP',
        icmp: { type: 8, code: 0 },
        source: { nets: ['10.0.0.0/8'], notSelector: "(has(x)) && t == ''" },
        destination: {},
      },
    ],
  });
});

test.each([
  ['cni', 'c-1', { containerID: 'c-1' }, 'n1-cni-c--1-eth0'],
  ['libnetwork', 'any', { workload: 'libnetwork' }, 'n1-libnetwork-libnetwork-eth0'],
  ['openstack', 'vm.1', { workload: 'vm.1' }, 'n1-openstack-vm.1-eth0'],
])('an endpoint of %s', (orchestrator, workload, ids, name) => {
  const metadata = { name: 'eth0', workload, orchestrator, node: 'n1' };
  expect(converted('workloadEndpoint', metadata, { interfaceName: 'cali1', ipNetworks: ['10.0.0.1'] })).toEqual({
    name,
    spec: { node: 'n1', orchestrator, endpoint: 'eth0', ...ids, interfaceName: 'cali1', ipNetworks: ['10.0.0.1/32'] },
  });
});

test.each([
  ['profile', { name: 'p', labels: { a: 'b' }, tags: ['a'] }, {}, /tags/],
  ['node', { name: 'n' }, { bgp: { asNumber: 1 } }, /ipv4Address/],
  ['workloadEndpoint', { name: 'e', workload: 'alone', orchestrator: 'k8s', node: 'n' }, {}, /NAMESPACE\.POD/],
  ['policy', { name: 'p' }, { types: ['inwards'] }, /types/],
  ['ipPool', { cidr: 'x' }, {}, /metadata\.cidr/],
  ['policies', { name: 'p' }, {}, /apiVersion v1/],
])('%s %j is refused, the field named', (kind, metadata, spec, message) => {
  expect(() => converted(kind, metadata, spec)).toThrow(message);
});
