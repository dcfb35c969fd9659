/** Two nodes with a BIRD each, in namespaces of their own: what one has, the other must learn; and what it must not. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { command } from '../../src/bgp/control.ts';
import { NetworkState } from '../../src/bgp/network.ts';
import { BirdSupervisor } from '../../src/bgp/supervisor.ts';
import { rendered } from '../../src/bgp/testing/network.ts';
import type { IPAMBlock, Node } from '../../src/model/index.ts';
import { cidr, ip } from '../../src/net/index.ts';

const PREFIX = `hb${process.pid}-`;
const directory = mkdtempSync(join(tmpdir(), PREFIX));
const network = new NetworkState();
const birds: Record<string, BirdSupervisor> = {};

function sh(text: string): string {
  return execFileSync('sh', ['-ec', text], { encoding: 'utf8' });
}

/** Routes of both families that BIRD put into the node's kernel. */
function learnt(node: string): string[] {
  const routes = sh(`ip -n ${PREFIX}${node} route show proto bird; ip -n ${PREFIX}${node} -6 route show proto bird`);
  return routes.split('\n').filter((line) => line !== '' && !line.startsWith('blackhole'));
}

const destinations = (node: string) =>
  learnt(node)
    .map((line) => line.split(' ')[0])
    .sort();

async function eventually(assertion: () => void | Promise<void>, patience = 15_000): Promise<void> {
  for (const end = Date.now() + patience; ; await sleep(50)) {
    try {
      return await assertion();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}

function addBlock(prefix: string, host: string): void {
  const id = { kind: 'IPAMBlock', name: prefix } as const;
  const value: IPAMBlock = { id, cidr: cidr(prefix), host, borrowed: new Map() };
  network.apply([{ id, value }]);
}

async function apply(node: string): Promise<void> {
  await (birds[node] as BirdSupervisor).apply(rendered(network, node).text);
}

beforeAll(async () => {
  for (const [index, node] of ['a', 'b'].entries()) {
    sh(`ip netns add ${PREFIX}${node}; ip -n ${PREFIX}${node} link set lo up`);
    const value: Node = {
      id: { kind: 'Node', name: node },
      labels: {},
      ipv4: ip(`10.1.0.${index + 1}`),
      ipv6: ip(`fd01::${index + 1}`),
    };
    network.apply([{ id: value.id, value }]);
    // BIRD runs in the node's namespace, whoever supervises it.
    const program = join(directory, `bird-${node}`);
    writeFileSync(program, `#!/bin/sh\nexec ip netns exec ${PREFIX}${node} bird "$@"\n`);
    chmodSync(program, 0o755);
    birds[node] = new BirdSupervisor({ directory: join(directory, node), log: pino({ level: 'silent' }), program });
  }
  sh(`ip -n ${PREFIX}a link add eth0 type veth peer name eth0 netns ${PREFIX}b`);
  for (const [index, node] of ['a', 'b'].entries()) {
    sh(`ip -n ${PREFIX}${node} addr add 10.1.0.${index + 1}/24 dev eth0
        ip -n ${PREFIX}${node} addr add fd01::${index + 1}/64 dev eth0 nodad
        ip -n ${PREFIX}${node} link set eth0 up`);
  }
  // Workloads of a, as Felix sets their routes; and a tunnel of Felix's, whose routes are no one else's business.
  sh(`for link in caliw1 vxlan.calico; do ip -n ${PREFIX}a link add $link type bridge; ip -n ${PREFIX}a link set $link up; done
      ip -n ${PREFIX}a route add 10.65.0.1 dev caliw1 scope link
      ip -n ${PREFIX}a route add 10.66.0.1 dev caliw1 scope link
      ip -n ${PREFIX}a route add fd65::1 dev caliw1
      ip -n ${PREFIX}a route add fd66::1 dev caliw1
      ip -n ${PREFIX}a route add 10.67.0.1 dev vxlan.calico scope link
      ip -n ${PREFIX}a route add 10.68.0.0/16 dev eth0`);
  addBlock('10.65.0.0/26', 'a');
  addBlock('fd65::/122', 'a');
  await Promise.all([apply('a'), apply('b')]);
});

afterAll(async () => {
  await Promise.all(Object.values(birds).map((bird) => bird.stop()));
  sh(`for n in a b; do ip netns del ${PREFIX}$n; done`);
  rmSync(directory, { recursive: true });
});

it('blocks are announced as a whole, workloads outside them by themselves, tunnels and other routes not at all', async () => {
  await eventually(() => expect(destinations('b')).toEqual(['10.65.0.0/26', '10.66.0.1', 'fd65::/122', 'fd66::1']));
  expect(learnt('b').find((line) => line.startsWith('10.65.0.0/26'))).toContain('via 10.1.0.1');
  expect(sh(`ip -n ${PREFIX}a route show type blackhole`)).toContain('10.65.0.0/26');
});

it('a workload that comes and goes', async () => {
  sh(`ip -n ${PREFIX}a route add 10.66.0.2 dev caliw1 scope link`);
  await eventually(() => expect(destinations('b')).toContain('10.66.0.2'));
  sh(`ip -n ${PREFIX}a route del 10.66.0.2`);
  await eventually(() => expect(destinations('b')).not.toContain('10.66.0.2'));
});

it('a new configuration leaves the sessions up', async () => {
  const since = async () => {
    const { lines } = await command((birds.a as BirdSupervisor).socket, 'show protocols');
    return lines.filter((line) => line.includes('Mesh_'));
  };
  const before = await since();
  addBlock('10.65.0.64/26', 'a');
  await apply('a');
  await eventually(() => expect(destinations('b')).toContain('10.65.0.64/26'));
  expect(await since()).toEqual(before);
});

it('a configuration that BIRD does not accept leaves the one before', async () => {
  await expect((birds.a as BirdSupervisor).apply('protocol nonsense {}')).rejects.toMatchObject({ code: 'E_CONFIG' });
  expect(destinations('b')).toContain('10.65.0.64/26');
  await apply('a');
});

it('a BIRD that is killed comes back, and its peer never loses a route', async () => {
  const expected = destinations('b');
  const { lines } = await command((birds.a as BirdSupervisor).socket, 'show status');
  expect(lines.join()).toContain('Daemon is up and running');
  const pid = sh(`ip netns pids ${PREFIX}a`)
    .split('\n')
    .find((one) => one && readFileSync(`/proc/${one}/comm`, 'utf8').trim() === 'bird');
  expect(Number(pid)).toBeGreaterThan(1); // 0 would be ourselves
  process.kill(Number(pid), 'SIGKILL');
  const seen = new Set<string>();
  const look = () => seen.add(destinations('b').join());
  await eventually(async () => {
    look();
    const { lines: protocols } = await command((birds.a as BirdSupervisor).socket, 'show protocols');
    expect(protocols.filter((line) => line.includes('Mesh_') && line.includes('Established'))).toHaveLength(2);
  });
  for (const end = Date.now() + 3000; Date.now() < end; await sleep(50)) look();
  expect([...seen]).toEqual([expected.join()]);
});

it('one that is stopped leaves its routes, here and there', async () => {
  const [near, far] = [sh(`ip -n ${PREFIX}a route`), destinations('b')];
  await (birds.a as BirdSupervisor).stop();
  await sleep(1000);
  expect(sh(`ip -n ${PREFIX}a route`)).toBe(near);
  expect(destinations('b')).toEqual(far);
});
