import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BGPConfiguration, BGPPeer, IPAMBlock, IPPool, Node } from '../model/index.ts';
import { cidr, ip } from '../net/index.ts';
import { NetworkState } from './network.ts';
import { renderConfig } from './render.ts';
import { sessionsOf } from './sessions.ts';

function network(nodes: (Partial<Omit<Node, 'id'>> & { name: string })[]): NetworkState {
  const state = new NetworkState();
  for (const { name, ...rest } of nodes) {
    const value: Node = { id: { kind: 'Node', name }, labels: {}, ...rest };
    state.apply([{ id: value.id, value }]);
  }
  return state;
}

function addPeer(state: NetworkState, name: string, fields: Partial<BGPPeer>): void {
  const id = { kind: 'BGPPeer', name } as const;
  state.apply([{ id, value: { id, ...fields } }]);
}

function configure(state: NetworkState, name: string, fields: Partial<BGPConfiguration>): void {
  const id = { kind: 'BGPConfiguration', name } as const;
  state.apply([
    { id, value: { id, serviceClusterIps: [], serviceExternalIps: [], serviceLoadBalancerIps: [], ...fields } },
  ]);
}

const three = () =>
  network([
    { name: 'a', ipv4: ip('10.1.0.1'), ipv6: ip('fd00::1') },
    { name: 'b', ipv4: ip('10.1.0.2'), ipv6: ip('fd00::2'), labels: { rack: 'r1' } },
    { name: 'c', ipv4: ip('10.1.0.3'), asNumber: 65001 },
  ]);

describe('sessions', () => {
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
    configure(state, 'default', { nodeToNodeMeshEnabled: false, asNumber: 64600 });
    expect(sessionsOf(state, 'a')).toEqual([]);
    configure(state, 'default', {});
    state.apply([
      {
        id: { kind: 'Node', name: 'c' },
        value: { ...(state.nodes.get('c') as Node), routeReflectorClusterId: '1.0.0.1' },
      },
    ]);
    expect(sessionsOf(state, 'a').map(({ name }) => name)).toEqual(['Mesh_10_1_0_2', 'Mesh_fd00__2']);
    expect(sessionsOf(state, 'c')).toEqual([]);
  });

  it('peers: global, of one node, by selector; never with itself', () => {
    const state = three();
    configure(state, 'default', { nodeToNodeMeshEnabled: false });
    addPeer(state, 'tor', { peerIp: ip('10.1.0.254'), asNumber: 65500 });
    addPeer(state, 'only-a', { node: 'a', peerIp: ip('10.1.0.253'), asNumber: 65501, peerPort: 1179 });
    addPeer(state, 'rack', { nodeSelector: "rack == 'r1'", peerIp: ip('10.1.0.252'), asNumber: 65502 });
    addPeer(state, 'v6', { peerIp: ip('fd00::ff'), asNumber: 65503 });
    addPeer(state, 'node-c', { peerIp: ip('10.1.0.3'), asNumber: 65001 });
    const names = (node: string) => sessionsOf(state, node).map(({ name }) => name);
    expect(names('a')).toEqual(['Global_10_1_0_254', 'Global_10_1_0_3', 'Global_fd00__ff', 'Node_10_1_0_253']);
    expect(names('b')).toEqual(['Global_10_1_0_254', 'Global_10_1_0_3', 'Global_fd00__ff', 'Node_10_1_0_252']);
    expect(names('c')).toEqual(['Global_10_1_0_254']);
    expect(sessionsOf(state, 'a').find(({ peer }) => peer === '10.1.0.253')).toMatchObject({
      port: 1179,
      peerAs: 65501,
    });
  });

  it('a peerSelector makes a session at both ends, and reflects to clients only', () => {
    const state = network([
      { name: 'rr', ipv4: ip('10.1.0.1'), labels: { rr: '' }, routeReflectorClusterId: '1.0.0.1' },
      { name: 'rr2', ipv4: ip('10.1.0.4'), labels: { rr: '' }, routeReflectorClusterId: '1.0.0.1' },
      { name: 'x', ipv4: ip('10.1.0.2') },
      { name: 'y', ipv4: ip('10.1.0.3') },
    ]);
    configure(state, 'default', { nodeToNodeMeshEnabled: false });
    addPeer(state, 'to-rr', { nodeSelector: 'all()', peerSelector: 'has(rr)' });
    expect(sessionsOf(state, 'x').map(({ peer }) => peer)).toEqual(['10.1.0.1', '10.1.0.4']);
    expect(sessionsOf(state, 'rr').map(({ peer, reflectorClient }) => [peer, reflectorClient])).toEqual([
      ['10.1.0.2', true],
      ['10.1.0.3', true],
      ['10.1.0.4', false],
    ]);
  });

  it('settings of the node come before those of the cluster', () => {
    const state = three();
    configure(state, 'default', { asNumber: 64600, listenPort: 1790 });
    configure(state, 'node.b', { listenPort: 1791 });
    expect(sessionsOf(state, 'a').map(({ peerAs, port }) => [peerAs, port])).toEqual([
      [64600, 1791],
      [65001, 1790],
      [64600, 1791],
    ]);
  });
});

describe('configuration', () => {
  const options = { node: 'a', interfacePrefixes: ['cali'] };

  it('nothing for a node that is unknown or has no address', () => {
    expect(renderConfig(network([]), options)).toBeNull();
    expect(renderConfig(network([{ name: 'a' }]), options)).toBeNull();
  });

  it('announces the node’s own blocks only', () => {
    const state = three();
    for (const [prefix, host] of [
      ['10.65.0.0/26', 'a'],
      ['10.65.0.64/26', 'b'],
      ['fd65::/122', 'a'],
    ] as const) {
      const id = { kind: 'IPAMBlock', name: prefix } as const;
      const value: IPAMBlock = { id, cidr: cidr(prefix), host, borrowed: new Map() };
      state.apply([{ id, value }]);
    }
    const text = renderConfig(state, options) as string;
    expect(text.match(/route .*/g)).toEqual(['route 10.65.0.0/26 blackhole;', 'route fd65::/122 blackhole;']);
  });

  it('BIRD accepts it', () => {
    const state = three();
    addPeer(state, 'tor', { peerIp: ip('10.1.0.254'), asNumber: 65500 });
    const pool = { id: { kind: 'IPPool', name: 'p' }, cidr: cidr('10.65.0.0/16') } as IPPool;
    state.apply([{ id: pool.id, value: pool }]);
    for (const id of ['a', 'b', 'c']) expectAccepted(renderConfig(state, { ...options, node: id }) as string);
    const reflector: Node = {
      id: { kind: 'Node', name: 'a' },
      labels: {},
      ipv6: ip('fd00::1'),
      routeReflectorClusterId: '1.2.3.4',
    };
    state.apply([{ id: reflector.id, value: reflector }]);
    addPeer(state, 'b', { peerIp: ip('fd00::2') });
    const text = renderConfig(state, options) as string;
    expect(text).toContain('rr cluster id 1.2.3.4;');
    expectAccepted(text);
  });
});

function expectAccepted(text: string): void {
  const directory = mkdtempSync(join(tmpdir(), 'bird-'));
  try {
    writeFileSync(join(directory, 'bird.conf'), text);
    execFileSync('bird', ['-p', '-c', join(directory, 'bird.conf')], { stdio: 'pipe' });
  } finally {
    rmSync(directory, { recursive: true });
  }
}
