import { describe, expect, it } from 'vitest';
import { planReflectors } from './plan-reflectors.ts';

function node(name: string, labels: Record<string, string> = {}, bgp: object = {}) {
  return {
    apiVersion: 'projectcalico.org/v3',
    kind: 'Node',
    metadata: { name, labels },
    spec: { bgp: { ipv4Address: '10.1.0.1/24', ...bgp } },
  };
}

describe('which nodes', () => {
  const chosen = (nodes: ReturnType<typeof node>[], count: number) => planReflectors(nodes, count, null).reflectors;

  it('of as many zones as there are', () => {
    const nodes = ['a', 'b', 'c'].flatMap((zone) => [1, 2].map((n) => node(`${zone}${n}`, { rack: zone })));
    expect(chosen(nodes, 3)).toEqual(['a1', 'b1', 'c1']);
    expect(chosen(nodes, 4)).toEqual(['a1', 'a2', 'b1', 'c1']);
  });

  it('those that are reflectors stay', () => {
    expect(chosen([node('a'), node('b'), node('c', {}, { routeReflectorClusterID: '1.0.0.1' })], 2)).toEqual([
      'a',
      'c',
    ]);
  });

  it('none without an address, none of another AS', () => {
    const nodes = [node('a', {}, { ipv4Address: undefined }), node('b', {}, { asNumber: 65001 }), node('c')];
    expect(chosen(nodes, 1)).toEqual(['c']);
    for (const count of [0, 2, 1.5, Number.NaN])
      expect(() => chosen(nodes, count)).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
  });
});

it('the resources: sessions first, then no mesh; what was there stays', () => {
  const configuration = {
    apiVersion: 'projectcalico.org/v3',
    kind: 'BGPConfiguration',
    metadata: { name: 'default' },
    spec: { asNumber: 64600 },
  };
  const old = node(
    'z',
    { 'route-reflector': 'true', rack: '1' },
    { asNumber: 65001, routeReflectorClusterID: '244.0.0.1' },
  );
  const { sessions, meshOff } = planReflectors([node('a', { rack: '1' }), node('b'), old], 1, configuration);
  expect(sessions).toEqual([
    {
      apiVersion: 'projectcalico.org/v3',
      kind: 'BGPPeer',
      metadata: { name: 'route-reflectors' },
      spec: { nodeSelector: 'all()', peerSelector: 'has(route-reflector)' },
    },
    { ...node('b', { 'route-reflector': 'true' }, { routeReflectorClusterID: '244.0.0.1' }) },
    { ...node('z', { rack: '1' }, { asNumber: 65001 }) },
  ]);
  expect(meshOff).toEqual({ ...configuration, spec: { asNumber: 64600, nodeToNodeMeshEnabled: false } });
});
