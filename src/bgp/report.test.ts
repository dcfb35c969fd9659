import { expect, it } from 'vitest';
import { report } from './report.ts';
import { type BirdStatus, parseRoutes } from './status.ts';

const session = { family: 4, state: 'up', since: '03:50:21', info: '', lastError: '' } as const;
const BIRD: BirdStatus = {
  version: '2.0.12',
  routerId: '10.1.0.1',
  lastBoot: '2026-11-24 03:50:21',
  lastReconfiguration: '2026-11-24 03:50:25',
  sessions: [
    { ...session, name: 'Mesh_10_1_0_2', type: 'mesh', peer: '10.1.0.2', bgpState: 'Established' },
    { ...session, name: 'Global_10_1_0_9', type: 'global', peer: '10.1.0.9', bgpState: 'Passive' },
    { ...session, name: 'Node_fd01__2', type: 'node', family: 6, peer: 'fd01::2', bgpState: 'Down' },
  ],
};
const NOW = '2026-11-24T04:00:00Z';
const ROUTES = [
  'Table master4:',
  '10.65.0.0/26         blackhole [blocks4 03:50:21.492] * (200)',
  '10.65.0.64/26        unicast [Mesh_10_1_0_2 03:50:22.001] * (100/?) [i]',
  '\tvia 10.1.0.2 on eth0',
  '                     unicast [Global_10_1_0_9 03:50:23.001] (100/?) [AS65101i]',
  '\tvia 10.1.0.9 on eth0',
  '10.1.0.0/24          unicast [direct1 03:50:21.492] * (240)',
  '\tdev eth0',
  '10.70.0.1/32         unicast [kernel4 03:50:21.492] * (200)',
  '\tdev caliw1',
];

it('what every class asks for', () => {
  const status = report({ bird: BIRD, routes: { 4: parseRoutes(ROUTES), 6: [] }, now: NOW }, [
    'Agent',
    'BGP',
    'Routes',
  ]);
  const agent = {
    state: 'Ready',
    version: '2.0.12',
    routerID: '10.1.0.1',
    lastBootTime: '2026-11-24 03:50:21',
    lastReconfigurationTime: '2026-11-24 03:50:25',
  };
  const peer = { since: '03:50:21' };
  const mesh = { sourceType: 'NodeMesh', peerIP: '10.1.0.2' };
  expect(status).toEqual({
    lastUpdated: NOW,
    agent: { birdV4: agent, birdV6: agent },
    bgp: {
      numberEstablishedV4: 1,
      numberNotEstablishedV4: 1,
      numberEstablishedV6: 0,
      numberNotEstablishedV6: 1,
      peersV4: [
        { ...peer, peerIP: '10.1.0.2', type: 'NodeMesh', state: 'Established' },
        { ...peer, peerIP: '10.1.0.9', type: 'GlobalPeer', state: 'Active' },
      ],
      peersV6: [{ ...peer, peerIP: 'fd01::2', type: 'NodePeer', state: 'Idle' }],
    },
    routes: {
      routesV4: [
        {
          type: 'FIB',
          destination: '10.65.0.0/26',
          gateway: 'N/A',
          interface: '',
          learnedFrom: { sourceType: 'Static' },
        },
        { type: 'FIB', destination: '10.65.0.64/26', gateway: '10.1.0.2', interface: 'eth0', learnedFrom: mesh },
        {
          type: 'RIB',
          destination: '10.65.0.64/26',
          gateway: '10.1.0.9',
          interface: 'eth0',
          learnedFrom: { sourceType: 'BGPPeer', peerIP: '10.1.0.9' },
        },
        {
          type: 'FIB',
          destination: '10.1.0.0/24',
          gateway: 'N/A',
          interface: 'eth0',
          learnedFrom: { sourceType: 'Direct' },
        },
        {
          type: 'FIB',
          destination: '10.70.0.1/32',
          gateway: 'N/A',
          interface: 'caliw1',
          learnedFrom: { sourceType: 'Kernel' },
        },
      ],
      routesV6: [],
    },
  });
});

it('nothing of what is not asked for; a BIRD that does not answer is not ready', () => {
  const status = report({ bird: null, routes: { 4: [], 6: [] }, now: NOW }, ['Agent']);
  expect(status).toMatchObject({
    agent: { birdV4: { state: 'NotReady' }, birdV6: { state: 'NotReady' } },
    bgp: { numberEstablishedV4: 0, peersV4: [] },
    routes: {},
  });
  expect(report({ bird: BIRD, routes: { 4: [], 6: [] }, now: NOW }, ['Routes'])).toMatchObject({
    agent: { birdV4: {}, birdV6: {} },
    bgp: { numberEstablishedV4: 0, peersV4: [] },
  });
});
