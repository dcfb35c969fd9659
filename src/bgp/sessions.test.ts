import { expect, it } from 'vitest';
import { sessionsOf } from './sessions.ts';
import { networkOf, node, stored } from './testing/network.ts';

const NODES = [
  node('a', { ipv4Address: '10.1.0.1/24', ipv6Address: 'fd00::1/64' }),
  node('b', { ipv4Address: '10.1.0.2/24', ipv6Address: 'fd00::2/64' }, { rack: 'r1' }),
  node('c', { ipv4Address: '10.1.0.3/24', asNumber: 65001 }),
];
const three = () => networkOf(...NODES);
const peer = (name: string, spec: object) => stored('BGPPeer', name, spec);
const configuration = (name: string, spec: object) => stored('BGPConfiguration', name, spec);
const NO_MESH = configuration('default', { nodeToNodeMeshEnabled: false });

it('mesh: one session a peer and family that both have; of two nodes one waits', () => {
  const state = three();
  expect(sessionsOf(state, 'a').map(({ name, peerAs }) => [name, peerAs])).toEqual([
    ['Mesh_10_1_0_2', 64512],
    ['Mesh_10_1_0_3', 65001],
    ['Mesh_fd00__2', 64512],
  ]);
  for (const [one, other] of [
    ['a', 'b'],
    ['b', 'c'],
    ['a', 'c'],
  ] as const) {
    const near = sessionsOf(state, one).find(({ peer }) => peer === state.nodes.get(other)?.ipv4);
    const far = sessionsOf(state, other).find(({ peer }) => peer === state.nodes.get(one)?.ipv4);
    expect([near?.passive, far?.passive].sort()).toEqual([false, true]);
  }
});

it('no mesh when it is off, none for route reflectors', () => {
  const state = three();
  state.apply([NO_MESH]);
  expect(sessionsOf(state, 'a')).toEqual([]);
  state.apply([
    configuration('default', {}),
    node('c', { ipv4Address: '10.1.0.3/24', routeReflectorClusterID: '1.0.0.1' }),
  ]);
  expect(sessionsOf(state, 'a').map(({ name }) => name)).toEqual(['Mesh_10_1_0_2', 'Mesh_fd00__2']);
  expect(sessionsOf(state, 'c')).toEqual([]);
});

it('what is no cluster id makes no reflector', () => {
  const state = three();
  state.apply([node('c', { ipv4Address: '10.1.0.3/24', routeReflectorClusterID: '1.0.0.1; }' })]);
  expect(sessionsOf(state, 'c').map(({ name }) => name)).toEqual(['Mesh_10_1_0_1', 'Mesh_10_1_0_2']);
});

it('peers: global, of one node, by selector; never with itself', () => {
  const state = three();
  state.apply([
    NO_MESH,
    peer('tor', { peerIP: '10.1.0.254', asNumber: 65500 }),
    peer('only-a', { node: 'a', peerIP: '10.1.0.253:1179', asNumber: 65501 }),
    peer('rack', { nodeSelector: "rack == 'r1'", peerIP: '10.1.0.252', asNumber: 65502 }),
    peer('v6', { peerIP: 'fd00::ff', asNumber: 65503 }),
    peer('node-c', { peerIP: '10.1.0.3', asNumber: 65001 }),
  ]);
  const names = (node: string) => sessionsOf(state, node).map(({ name }) => name);
  expect(names('a')).toEqual(['Global_10_1_0_254', 'Global_10_1_0_3', 'Global_fd00__ff', 'Node_10_1_0_253']);
  expect(names('b')).toEqual(['Global_10_1_0_254', 'Global_10_1_0_3', 'Global_fd00__ff', 'Node_10_1_0_252']);
  expect(names('c')).toEqual(['Global_10_1_0_254']);
  expect(sessionsOf(state, 'a').find(({ peer }) => peer === '10.1.0.253')).toMatchObject({
    port: 1179,
    peerAs: 65501,
  });
});

it('two ports of one address are two sessions; what is of one node counts before what is of all', () => {
  const state = three();
  state.apply([
    NO_MESH,
    peer('a-global', { peerIP: '10.1.0.254', asNumber: 1 }),
    peer('b-node', { node: 'a', peerIP: '10.1.0.254', asNumber: 2 }),
    peer('c-other-port', { node: 'a', peerIP: '10.1.0.254:1790', asNumber: 3 }),
  ]);
  expect(sessionsOf(state, 'a').map(({ name, port, peerAs }) => [name, port, peerAs])).toEqual([
    ['Node_10_1_0_254', 179, 2],
    ['Node_10_1_0_254_port_1790', 1790, 3],
  ]);
});

it('a peerSelector makes a session at both ends, and reflects to clients only', () => {
  const reflector = { routeReflectorClusterID: '1.0.0.1' };
  const state = networkOf(
    node('rr', { ipv4Address: '10.1.0.1/24', ...reflector }, { rr: '' }),
    node('rr2', { ipv4Address: '10.1.0.4/24', ...reflector }, { rr: '' }),
    node('x', { ipv4Address: '10.1.0.2/24' }),
    node('y', { ipv4Address: '10.1.0.3/24' }),
    NO_MESH,
    peer('to-rr', { nodeSelector: 'all()', peerSelector: 'has(rr)' }),
  );
  expect(sessionsOf(state, 'x').map(({ peer }) => peer)).toEqual(['10.1.0.1', '10.1.0.4']);
  expect(sessionsOf(state, 'rr').map(({ peer, reflectorClient }) => [peer, reflectorClient])).toEqual([
    ['10.1.0.2', true],
    ['10.1.0.3', true],
    ['10.1.0.4', false],
  ]);
});

it('reversePeering Manual: only those that are selected as nodes have the session, and nobody waits', () => {
  const state = three();
  state.apply([
    NO_MESH,
    peer('one-way', { nodeSelector: "rack == 'r1'", peerSelector: '!has(rack)', reversePeering: 'Manual' }),
  ]);
  expect(sessionsOf(state, 'a')).toEqual([]);
  expect(sessionsOf(state, 'b').map(({ name, passive }) => [name, passive])).toEqual([
    ['Node_10_1_0_1', false],
    ['Node_10_1_0_3', false],
    ['Node_fd00__1', false],
  ]);
});

it('settings of the node come before those of the cluster', () => {
  const state = three();
  state.apply([
    configuration('default', { asNumber: 64600, listenPort: 1790 }),
    configuration('node.b', { listenPort: 1791 }),
  ]);
  expect(sessionsOf(state, 'a').map(({ peerAs, port }) => [peerAs, port])).toEqual([
    [64600, 1791],
    [65001, 1790],
    [64600, 1791],
  ]);
});

it('BFD is for peers on a network of the node', () => {
  const annotations = { 'projectcalico.org/failureDetectionMode': 'BFDIfDirectlyConnected' };
  const state = three();
  state.apply([
    stored('BGPConfiguration', 'default', {}, { annotations }),
    stored('BGPPeer', 'far', { peerIP: '10.2.0.1', asNumber: 65500 }, { annotations }),
    stored('BGPPeer', 'near', { peerIP: '10.1.0.254', asNumber: 65500 }, { annotations }),
  ]);
  expect(sessionsOf(state, 'c').map(({ name, bfd }) => [name, bfd])).toEqual([
    ['Global_10_1_0_254', true],
    ['Global_10_2_0_1', false],
    ['Mesh_10_1_0_1', true],
    ['Mesh_10_1_0_2', true],
  ]);
});
