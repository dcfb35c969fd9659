/**
 * Hosts of ours and routers of others, which speak BGP with them: what both sides get, with filters, communities and a
 * password; that our restarts are no event for them; and that a host that has gone is.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { birdSocket } from '../../src/bgp/control.ts';
import { birdStatus } from '../../src/bgp/status.ts';
import { report } from '../../src/calicoctl/commands/node-status.ts';
import { eventually, Fabric } from './bgp-fabric.ts';
import { Frr, GoBgp, Watched } from './bgp-routers.ts';
import { sh } from './own-namespace.ts';

const FRR = `
router bgp 65101
 bgp router-id 10.1.0.101
 no bgp ebgp-requires-policy
 no bgp network import-check
 timers bgp 3 9
 neighbor 10.1.0.1 remote-as 64512
 neighbor fd01::1 remote-as 64512
 address-family ipv4 unicast
  network 198.51.100.0/24
  network 203.0.113.0/24
  no neighbor fd01::1 activate
 exit-address-family
 address-family ipv6 unicast
  network 2001:db8:1::/48
  neighbor fd01::1 activate
 exit-address-family
`;

const GOBGP = {
  global: { config: { as: 65102, 'router-id': '10.1.0.102' } },
  neighbors: [
    {
      config: { 'neighbor-address': '10.1.0.1', 'peer-as': 64512, 'auth-password': 'correct horse' },
      'graceful-restart': { config: { enabled: true, 'restart-time': 60 } },
      'afi-safis': [
        {
          config: { 'afi-safi-name': 'ipv4-unicast' },
          'mp-graceful-restart': { config: { enabled: true } },
        },
      ],
    },
  ],
};

let fabric: Fabric;
let frr: Frr;
let gobgp: GoBgp;
const bgp: Record<string, ChildProcess> = {};
let felix: ChildProcess;

const FELIX = {
  FELIX_HEALTHENABLED: 'true',
  FELIX_HEALTHPORT: '9099',
  FELIX_HEALTHHOST: '127.0.0.1',
  FELIX_IPTABLESBACKEND: 'nft',
  FELIX_LOGSEVERITYSYS: 'none',
  FELIX_LOGFILEPATH: 'none',
  FELIX_DEVICEROUTEPROTOCOL: '80',
};

beforeAll(async () => {
  fabric = await Fabric.up('bp');
  for (const [name, last] of [
    ['h1', 1],
    ['h2', 2],
    ['frr', 101],
    ['gobgp', 102],
  ] as const)
    fabric.add(name, last);
  mkdirSync(join(fabric.directory, 'passwords/tor'), { recursive: true });
  writeFileSync(join(fabric.directory, 'passwords/tor/bgp'), 'correct horse\n');
  await resources();
  frr = new Frr(fabric, 'frr', FRR);
  gobgp = new GoBgp(fabric, 'gobgp', GOBGP);
  sh(`ip -n ${fabric.namespace('h1')} link add caliw1 type bridge; ip -n ${fabric.namespace('h1')} link set caliw1 up`);
  felix = fabric.startCalico('h1', 'felix', FELIX);
  for (const name of ['h1', 'h2']) bgp[name] = fabric.startCalico(name, 'bgp');
});

afterAll(() => fabric.close());

async function resources(): Promise<void> {
  const password = { secretKeyRef: { name: 'tor', key: 'bgp' } };
  for (const [name, last] of [
    ['h1', 1],
    ['h2', 2],
  ] as const)
    await fabric.write('Node', name, { bgp: { ipv4Address: `10.1.0.${last}/24`, ipv6Address: `fd01::${last}/64` } });
  await fabric.write('IPPool', 'told', { cidr: '10.65.0.0/16', ipipMode: 'Never', vxlanMode: 'Never' });
  await fabric.write('IPPool', 'silent', { cidr: '10.66.0.0/16', disableBGPExport: true });
  await fabric.write('IPPool', 'six', { cidr: 'fd65::/64' });
  for (const [prefix, host] of [
    ['10.65.0.0/26', 'h1'],
    ['10.65.0.64/26', 'h2'],
    ['10.66.0.0/26', 'h1'],
    ['fd65::/122', 'h1'],
  ] as const)
    await fabric.addBlock(prefix, host);
  await fabric.write('BGPConfiguration', 'default', {
    nodeMeshMaxRestartTime: '8s',
    serviceClusterIPs: [{ cidr: '10.96.0.0/12' }],
    communities: [{ name: 'rack', value: '64512:7' }],
    prefixAdvertisements: [{ cidr: '10.65.0.0/26', communities: ['rack', '64512:8:9'] }],
  });
  await fabric.write('BGPFilter', 'frr', {
    importV4: [{ action: 'Reject', cidr: '203.0.113.0/24', matchOperator: 'In' }],
    exportV4: [{ action: 'Reject', cidr: '10.65.0.64/26', matchOperator: 'Equal' }],
  });
  await fabric.write('BGPFilter', 'gobgp', {
    importV4: [
      { action: 'Accept', communities: { values: ['65102:1'] }, operations: [{ setPriority: { value: 700 } }] },
      { action: 'Reject' },
    ],
    exportV4: [
      {
        action: 'Accept',
        cidr: '10.65.0.0/16',
        matchOperator: 'In',
        operations: [{ addCommunity: { value: '64512:99' } }, { prependASPath: { prefix: [64512, 64512] } }],
      },
      { action: 'Reject' },
    ],
  });
  await fabric.write('BGPPeer', 'frr', {
    node: 'h1',
    peerIP: '10.1.0.101',
    asNumber: 65101,
    filters: ['frr'],
    maxRestartTime: '60s',
  });
  await fabric.write('BGPPeer', 'frr6', { node: 'h1', peerIP: 'fd01::101', asNumber: 65101, maxRestartTime: '60s' });
  await fabric.write('BGPPeer', 'gobgp', {
    node: 'h1',
    peerIP: '10.1.0.102',
    asNumber: 65102,
    filters: ['gobgp'],
    password,
    maxRestartTime: '60s',
  });
  // Workloads whose addresses are of no block, and of no pool: they are told by themselves. Felix sets their routes.
  await fabric.write('Profile', 'open', { egress: [{ action: 'Allow' }], ingress: [{ action: 'Allow' }] });
  await fabric.client.create({
    apiVersion: 'projectcalico.org/v3',
    kind: 'WorkloadEndpoint',
    metadata: { name: 'h1-openstack-w1-eth0', namespace: 'default' },
    spec: {
      node: 'h1',
      orchestrator: 'openstack',
      workload: 'w1',
      endpoint: 'eth0',
      interfaceName: 'caliw1',
      ipNetworks: ['10.70.0.1/32', '10.65.0.5/32', 'fd70::1/128'],
      profiles: ['open'],
    },
  });
}

const TOLD_TO_FRR = ['10.65.0.0/26', '10.70.0.1/32', '10.96.0.0/12', 'fd65::/122', 'fd70::1/128'];

it('each gets what it should: blocks, workloads outside them, services; filtered, with communities', async () => {
  await eventually(() => expect(frr.destinations()).toEqual(TOLD_TO_FRR));
  expect(frr.communities('10.65.0.0/26').sort()).toEqual(['64512:7', '64512:8:9']);
  expect(frr.communities('10.70.0.1/32')).toEqual([]);
  await eventually(() => expect(gobgp.destinations()).toEqual(['10.65.0.0/26', '10.65.0.5/32', '10.65.0.64/26']));
  gobgp.ctl('global rib add 192.0.2.0/25 community 65102:1');
  gobgp.ctl('global rib add 192.0.2.128/25');
  await eventually(() =>
    expect(fabric.learnt('h1')).toEqual(['10.65.0.64/26', '192.0.2.0/25', '198.51.100.0/24', '2001:db8:1::/48']),
  );
  expect(sh(`ip -n ${fabric.namespace('h1')} route show 192.0.2.0/25`)).toContain('metric 700');
  // Another host hears of its neighbour's blocks, not of the outside: that is no route of this cluster's.
  expect(fabric.learnt('h2')).toEqual(['10.65.0.0/26', '10.70.0.1', 'fd65::/122', 'fd70::1']);
});

/** Those of h1 are up again, and its peers have what they had. */
async function settled(): Promise<void> {
  await eventually(async () => {
    const up = (await fabric.bird('h1', 'show protocols')).filter((line) => /Established/.test(line));
    expect(up).toHaveLength(5);
    expect(frr.destinations()).toEqual(TOLD_TO_FRR);
  });
}

async function birdRestarts(how: () => unknown): Promise<void> {
  const before = fabric.birdPid('h1');
  await how();
  await eventually(() => expect(fabric.birdPid('h1')).not.toBe(before));
  await settled();
}

const ready = () => fabric.in('h1', 'curl -sf -m 2 http://127.0.0.1:9099/readiness');

const RESTARTS: [string, () => Promise<void>][] = [
  ['BIRD is killed', () => birdRestarts(() => process.kill(fabric.birdPid('h1'), 'SIGKILL'))],
  [
    'calico-bgp is stopped and started',
    () =>
      birdRestarts(async () => {
        await fabric.stop(bgp.h1 as ChildProcess);
        bgp.h1 = fabric.startCalico('h1', 'bgp');
      }),
  ],
  [
    'calico-bgp is killed and started',
    () =>
      birdRestarts(async () => {
        await fabric.stop(bgp.h1 as ChildProcess, 'SIGKILL');
        bgp.h1 = fabric.startCalico('h1', 'bgp');
      }),
  ],
  [
    'Felix is killed and started',
    async () => {
      await fabric.stop(felix, 'SIGKILL');
      felix = fabric.startCalico('h1', 'felix', FELIX);
      await sleep(1000);
      await eventually(ready);
    },
  ],
];

it('no restart of ours is an event for a neighbour, nor for the kernels', async () => {
  await eventually(ready);
  const neighbours = {
    frr: new Watched(fabric, 'frr', 'events', 'ip', ['monitor', 'route']),
    h2: new Watched(fabric, 'h2', 'events', 'ip', ['monitor', 'route']),
    gobgp: new Watched(fabric, 'gobgp', 'events', 'gobgp', ['monitor', 'global', 'rib']),
  };
  const own = new Watched(fabric, 'h1', 'events', 'ip', ['monitor', 'route']);
  await sleep(500);
  for (const one of [...Object.values(neighbours), own]) one.news();
  for (const [what, restart] of RESTARTS) {
    await restart();
    await sleep(1000); // what comes after the end of the restart
    for (const [who, watched] of Object.entries(neighbours)) expect(watched.news(), `${who}: ${what}`).toEqual([]);
    // Linux cannot replace an IPv6 blackhole in place; nothing else goes, not for a moment.
    const gone = own.news().filter((line) => line.startsWith('Deleted') && !line.startsWith('Deleted blackhole'));
    expect(gone, what).toEqual([]);
  }
  // The watchers do see what is an event.
  await fabric.addBlock('10.65.0.128/26', 'h1');
  for (const watched of Object.values(neighbours))
    await eventually(() => expect(watched.news().join()).toContain('10.65.0.128/26'));
});

it('what it says of itself: node status, with reasons, and CalicoNodeStatus', async () => {
  await fabric.write('BGPPeer', 'nobody', { node: 'h1', peerIP: '10.1.0.102:1790', asNumber: 65109 });
  await fabric.write('CalicoNodeStatus', 'h1', {
    node: 'h1',
    classes: ['Agent', 'BGP', 'Routes'],
    updatePeriodSeconds: 1,
  });
  const socket = birdSocket({ CALICO_RUN_DIR: fabric.path('h1') });
  await eventually(async () => {
    const { sessions } = await birdStatus(socket);
    const text = report(
      4,
      sessions.filter(({ family }) => family === 4),
    );
    expect(text).toMatch(/\| 10\.1\.0\.2 +\| node-to-node mesh \| up +\| \S+ +\| Established/);
    expect(text).toMatch(/\| 10\.1\.0\.101 +\| node specific +\| up/);
    expect(text).toContain('\n10.1.0.102: the peer refuses connections');
  });
  await eventually(async () => {
    const { status } = await fabric.client.get('CalicoNodeStatus', 'h1');
    expect(status).toMatchObject({
      agent: { birdV4: { state: 'Ready', routerID: '10.1.0.1' } },
      bgp: { numberEstablishedV4: 3, numberNotEstablishedV4: 1, numberEstablishedV6: 2, numberNotEstablishedV6: 0 },
    });
    const routes = (status as { routes: { routesV4: object[] } }).routes.routesV4;
    expect(routes).toContainEqual({
      type: 'FIB',
      destination: '10.65.0.64/26',
      gateway: '10.1.0.2',
      interface: 'eth0',
      learnedFrom: { sourceType: 'NodeMesh', peerIP: '10.1.0.2' },
    });
  });
});

it('the routes of a host that is killed go, when the time that it has to come back is over', async () => {
  expect(gobgp.destinations()).toContain('10.65.0.64/26');
  await fabric.stop(bgp.h2 as ChildProcess, 'SIGKILL');
  process.kill(fabric.birdPid('h2'), 'SIGKILL');
  await eventually(() => expect(fabric.learnt('h1')).not.toContain('10.65.0.64/26'));
  await eventually(() => expect(gobgp.destinations()).not.toContain('10.65.0.64/26'));
});
