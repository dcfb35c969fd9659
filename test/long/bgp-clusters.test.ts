/** Clusters as such: a mesh of five hosts, and ten hosts with two route reflectors. BIRD is all that runs on them. */
import { chmodSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BirdSupervisor } from '../../src/bgp/supervisor.ts';
import { block, networkOf, node, rendered, stored } from '../../src/bgp/testing/network.ts';
import type { Update } from '../../src/model/index.ts';
import { eventually, Fabric } from '../system/bgp-fabric.ts';
import { Watched } from '../system/bgp-routers.ts';
import { sh } from '../system/own-namespace.ts';

const BFD = { annotations: { 'projectcalico.org/failureDetectionMode': 'BFDIfDirectlyConnected' } };

/** `sets`: of hosts by name prefix and number; the block of host n is 10.65.n.0/26. */
const FIVE = { prefix: 'm', count: 5, first: 1 };
const TEN = { prefix: 'r', count: 12, first: 21 };
type Set = typeof FIVE;

const numbers = ({ count, first }: Set) => Array.from({ length: count }, (_, i) => first + i);
const nameOf = ({ prefix }: Set, number: number) => `${prefix}${number}`;
const blockOf = (number: number) => `10.65.${number}.0/26`;

let fabric: Fabric;
const birds = new Map<string, BirdSupervisor>();

beforeAll(async () => {
  fabric = await Fabric.up('bl', { etcd: false });
});

afterAll(async () => {
  await Promise.all([...birds.values()].map((bird) => bird.stop()));
  await fabric.close();
});

async function start(set: Set, ...more: Update[]): Promise<void> {
  const network = networkOf(
    ...numbers(set).map((n) => {
      const reflector = set === TEN && n < set.first + 2;
      const bgp = { ipv4Address: `10.1.0.${n}/24`, ...(reflector && { routeReflectorClusterID: '244.0.0.1' }) };
      return node(nameOf(set, n), bgp, reflector ? { 'route-reflector': 'true' } : {});
    }),
    ...numbers(set).map((n) => block(blockOf(n), nameOf(set, n))),
    ...more,
  );
  await Promise.all(
    numbers(set).map(async (n) => {
      const name = nameOf(set, n);
      fabric.add(name, n);
      const program = fabric.path(name, 'run-bird');
      writeFileSync(program, `#!/bin/sh\nexec ip netns exec ${fabric.namespace(name)} bird "$@"\n`);
      chmodSync(program, 0o755);
      const bird = new BirdSupervisor({
        directory: fabric.path(name, 'bird'),
        log: pino({ level: 'silent' }),
        program,
      });
      birds.set(name, bird);
      await bird.apply(rendered(network, name).text);
    }),
  );
}

/** Every host has a route to the block of every other. */
function connected(set: Set, without: number[] = []): void {
  const alive = numbers(set).filter((n) => !without.includes(n));
  for (const n of alive) {
    const others = alive.filter((other) => other !== n).map(blockOf);
    expect(fabric.learnt(nameOf(set, n)), nameOf(set, n)).toEqual(others.sort());
  }
}

describe('a mesh of five, with BFD', () => {
  it('each has a way to all others, straight', async () => {
    await start(FIVE, stored('BGPConfiguration', 'default', { nodeMeshMaxRestartTime: '5s' }, BFD));
    await eventually(() => connected(FIVE), 60_000);
    const route = sh(`ip -n ${fabric.namespace('m1')} route show 10.65.2.0/26`);
    expect(route).toContain('via 10.1.0.2 dev eth0 proto bird');
  });

  it('the routes of one whose power fails go, long before BGP alone would notice', async () => {
    const died = Date.now();
    sh(`ip link set v5 down`);
    await eventually(() => connected(FIVE, [5]), 60_000);
    expect(Date.now() - died).toBeLessThan(60_000); // BGP's hold time is 90 s
    sh(`ip link set v5 up`);
    await eventually(() => connected(FIVE), 60_000);
  });
});

/**
 * A reflector's own block was seen to blink at its clients when it restarts; why is not known yet (docs/reference/bgp.md
 * says so, too). Other hosts' blocks are told by both reflectors.
 */
const OWN_BLOCKS = /10\.65\.2[12]\.0\/26/;

describe('ten hosts and two reflectors', () => {
  const NO_MESH = stored('BGPConfiguration', 'default', { nodeToNodeMeshEnabled: false });
  const PEERS = stored('BGPPeer', 'rr', { nodeSelector: 'all()', peerSelector: 'has(route-reflector)' });

  it('each has a way to all others, by no more sessions than with the reflectors', async () => {
    await start(TEN, NO_MESH, PEERS);
    await eventually(() => connected(TEN), 90_000);
    const sessions = async (name: string) =>
      (await fabric.bird(name, 'show protocols')).filter((line) => /BGP .*Established/.test(line)).length;
    expect([await sessions('r21'), await sessions('r23'), await sessions('r32')]).toEqual([11, 2, 2]);
    // The way is straight, not through the reflector.
    expect(sh(`ip -n ${fabric.namespace('r23')} route show ${blockOf(32)}`)).toContain('via 10.1.0.32 ');
  });

  it.each([
    ['one', ['r21']],
    ['both, one after the other', ['r21', 'r22']],
  ] as const)('a restart of %s takes no other host’s routes away', async (_what, reflectors) => {
    const watched = ['r23', 'r32'].map(
      (name) => new Watched(fabric, name, `events-${reflectors.length}`, 'ip', ['monitor', 'route']),
    );
    await sleep(500);
    for (const name of reflectors) {
      const before = fabric.birdPid(name);
      process.kill(before, 'SIGKILL');
      await eventually(async () => {
        expect(fabric.birdPid(name)).not.toBe(before);
        const lines = await fabric.bird(name, 'show protocols');
        expect(lines.filter((line) => /BGP .*Established/.test(line))).toHaveLength(11);
        // One that dies again before it has told everything is not waited for: BGP has it so.
        expect((await fabric.bird(name, 'show status')).join()).not.toContain('recovery in progress');
      }, 60_000);
      await sleep(3000);
    }
    expect(
      watched.flatMap((one) => one.news()).filter((line) => /proto bird/.test(line) && !OWN_BLOCKS.test(line)),
    ).toEqual([]);
    await eventually(() => connected(TEN), 60_000);
  });
});
