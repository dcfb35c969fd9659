// The VXLAN overlay of one host over this machine's kernel, with the ip and bridge programs as the oracle.
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CalcGraph } from '../../src/calc/index.ts';
import { block, gone, node, pool, put, workload } from '../../src/calc/testing/resources.ts';
import type { DataplaneConfig } from '../../src/dataplane/index.ts';
import { type Cidr, cidr } from '../../src/net/index.ts';
import { BOTH_FAMILIES } from '../random/fake-host.ts';
import { NamespaceHost } from './namespace-host.ts';
import { enterOwnNamespace, sh } from './own-namespace.ts';

interface Settings {
  readonly id?: number;
  readonly port?: number;
  readonly mtu?: number;
}

const h1 = node('h1', '172.30.0.11/24', '10.80.1.0');
const h2 = node('h2', '172.30.0.12/24', '10.80.2.0');
const h3 = node('h3', '172.31.0.13/24', '10.80.3.0');
const always = pool('10.80.0.0/16', { vxlan: 'always' });
const cross = pool('10.80.0.0/16', { vxlan: 'cross-subnet' });
const b2 = block('10.80.2.0/26', 'h2');
const b3 = block('10.80.3.0/26', 'h3');
const CLUSTER = [h1, h2, h3, block('10.80.1.0/26', 'h1', { '10.80.1.9': 'h2' }), b2, b3, always];

/** What the kernel of `h1` in the recorded scenario had, with h3 in another subnet. */
const EXPECTED = [
  'vxlan.calico mtu 1410 up 66:ac:4a:e9:72:85 id 4096 local 172.30.0.11 dev eth0 dstport 4789 nolearning',
  'address 10.80.1.0/32',
  '66:8d:bc:60:58:e0 dst 172.31.0.13 self permanent',
  '66:bf:1c:36:57:41 dst 172.30.0.12 self permanent',
  '10.80.2.0 lladdr 66:bf:1c:36:57:41 PERMANENT',
  '10.80.3.0 lladdr 66:8d:bc:60:58:e0 PERMANENT',
  '10.80.1.9 via 10.80.2.0 dev vxlan.calico onlink',
  '10.80.2.0/26 via 10.80.2.0 dev vxlan.calico onlink',
  '10.80.3.0/26 via 10.80.3.0 dev vxlan.calico onlink',
  'host 172.30.0.12',
  'host 172.31.0.13',
];

let graph: CalcGraph;
let host: NamespaceHost;

function configWith(settings: Settings | null, externalHosts: readonly Cidr[] = []): DataplaneConfig {
  const { id = 4096, port = 4789, mtu = 1410 } = settings ?? {};
  return {
    ...BOTH_FAMILIES,
    externalHosts,
    rules: { ...BOTH_FAMILIES.rules, vxlanPort: port },
    encapsulations: settings ? { vxlan4: 'on' } : {},
    vxlan: { ...BOTH_FAMILIES.vxlan, id, port, 4: { mtu: { exactly: mtu } } },
  };
}

/** Another Felix, or the same with another configuration. */
async function restart(settings: Settings | null = {}): Promise<void> {
  await host.close();
  host = await NamespaceHost.start(configWith(settings), graph);
  for (let i = 0; i < 500 && host.rounds === 0; i++) await sleep(10);
}

const lines = (command: string): string[] =>
  sh(`${command} || true`)
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);

/** Device, address, forwarding entries, neighbours, routes, hosts. */
function overlay(): string[] {
  const link = sh('ip -d link show vxlan.calico 2>/dev/null || true');
  const word = (name: string) => new RegExp(`\\b${name} (\\S+)`).exec(link)?.[1];
  const device = `vxlan.calico mtu ${word('mtu')} ${/[<,]UP[,>]/.test(link) ? 'up' : 'down'} ${word('link/ether')} id ${word(
    'vxlan id',
  )} local ${word('local')} dev ${word('dev')} dstport ${word('dstport')} ${/nolearning/.test(link) ? 'no' : ''}learning`;
  const addresses = lines('ip -4 -o address show dev vxlan.calico 2>/dev/null');
  return [
    ...(link ? [device] : []),
    ...addresses.map((line) => `address ${/inet (\S+)/.exec(line)?.[1]}`),
    ...lines('bridge fdb show dev vxlan.calico 2>/dev/null').sort(),
    ...lines('ip -4 neigh show dev vxlan.calico nud permanent 2>/dev/null').sort(),
    ...lines('ip -4 route show | grep -v "proto kernel"').sort(),
    ...lines('ipset list cali40all-vxlan-net -o save 2>/dev/null | grep ^add')
      .map((line) => line.replace('add cali40all-vxlan-net', 'host'))
      .sort(),
  ];
}

async function until(expected: readonly string[]): Promise<void> {
  for (let i = 0; i < 300 && overlay().join() !== expected.join(); i++) await sleep(10);
  expect(overlay()).toEqual(expected);
}

const index = (): string | undefined => /^\d+/.exec(sh('ip -o link show vxlan.calico'))?.[0];
const without = (...patterns: RegExp[]) => EXPECTED.filter((line) => !patterns.some((pattern) => pattern.test(line)));

beforeAll(() => {
  enterOwnNamespace();
  process.on('warning', () => {});
});
beforeEach(async () => {
  sh('ip link add eth0 type veth peer name outside; ip link set eth0 up; ip link set outside up');
  sh('ip addr add 172.30.0.11/24 dev eth0');
  graph = new CalcGraph({ node: 'h1' });
  graph.onUpdates(CLUSTER.map(put));
  host = await NamespaceHost.start(configWith({}), graph);
  await until(EXPECTED);
});
afterEach(async () => {
  expect(host.problems).toEqual([]);
  expect(host.differences()).toEqual([]);
  await host.close();
  sh('for i in eth0 vxlan.calico cali1 other; do ip link del $i 2>/dev/null || true; done');
  sh('for t in filter nat mangle raw; do iptables-legacy -t $t -F; iptables-legacy -t $t -X; done; ipset destroy');
});

describe('a host’s overlay', () => {
  test('outlives a restart, which writes nothing', async () => {
    const monitor = spawn('ip', ['monitor', 'link', 'address', 'route', 'neigh']);
    let told = '';
    monitor.stdout.on('data', (data) => {
      told += data;
    });
    const before = index();
    await sleep(100);
    await restart();
    await sleep(300);
    monitor.kill();
    // Link-local addresses come to be of use by themselves, some time after their interface is up.
    expect(told.split('\n').filter((line) => line !== '' && !/fe80::|ff02::/.test(line))).toEqual([]);
    expect(host.operations).toBe(0);
    expect(index()).toBe(before);
    expect(overlay()).toEqual(EXPECTED);
  });

  test('comes back when the device is deleted by hand', async () => {
    sh('ip link del vxlan.calico');
    await until(EXPECTED);
  });

  test('gets back what others change of the device', async () => {
    sh(
      'ip link set vxlan.calico mtu 1300 down; ip addr flush dev vxlan.calico; ip addr add 10.99.0.1/24 dev vxlan.calico',
    );
    await until(EXPECTED);
  });

  test('another VNI or port takes another device, another MTU does not', async () => {
    const before = index();
    await restart({ mtu: 1400 });
    await until(EXPECTED.map((line) => line.replace('mtu 1410', 'mtu 1400')));
    expect(index()).toBe(before);
    await restart({ mtu: 1400, id: 77, port: 8472 });
    const other = EXPECTED.map((line) => line.replace('mtu 1410', 'mtu 1400').replace('id 4096', 'id 77'));
    await until(other.map((line) => line.replace('dstport 4789', 'dstport 8472')));
    expect(index()).not.toBe(before);
  });

  test('goes when VXLAN is switched off', async () => {
    await restart(null);
    await until([]);
    await restart({});
    await until(EXPECTED);
  });

  test('follows this node’s addresses', async () => {
    sh('ip addr add 172.30.0.99/24 dev eth0');
    host.update(put(node('h1', '172.30.0.99/24', '10.80.1.1')));
    const moved = EXPECTED.map((line) => line.replace('local 172.30.0.11', 'local 172.30.0.99'));
    await until(moved.map((line) => line.replace('address 10.80.1.0', 'address 10.80.1.1')));
    host.update(put(h1));
    await until(EXPECTED);
  });

  test('stays as it is while this node has no resource', async () => {
    host.update(gone(h1));
    await until(EXPECTED);
    const before = index();
    host.update(put(h1));
    await until(EXPECTED);
    expect(index()).toBe(before);
  });

  test('waits for the interface with this node’s address', async () => {
    host.update(put(node('h1', '192.0.2.1/24', '10.80.1.0')));
    for (let i = 0; i < 100 && host.problems.length === 0; i++) await sleep(10);
    expect(host.problems.join()).toContain('no interface has the address 192.0.2.1');
    expect(overlay()).toEqual(EXPECTED);
    host.problems.length = 0;
    sh('ip addr add 192.0.2.1/24 dev eth0');
    await until(EXPECTED.map((line) => line.replace('local 172.30.0.11', 'local 192.0.2.1')));
    host.problems.length = 0;
  });
});

describe('other hosts', () => {
  test('come, change their addresses, and go', async () => {
    host.update(gone(h3), gone(b3));
    await until(without(/66:8d:bc/, /10\.80\.3\./, /172\.31\.0\.13/));
    host.update(put(h3), put(b3));
    await until(EXPECTED);
    host.update(put(node('h3', '172.31.0.14/24', '10.80.3.0')));
    await until(EXPECTED.map((line) => line.replace('172.31.0.13', '172.31.0.14')));
    host.update(put(node('h3', '172.31.0.14/24', '10.80.3.0', { vxlanTunnelMac: '66:00:00:00:00:03' })));
    const [device, address, , own2, ...rest] = EXPECTED;
    const entries = ['66:00:00:00:00:03 dst 172.31.0.14 self permanent', own2!];
    const changed = rest.map((line) =>
      line.replace('172.31.0.13', '172.31.0.14').replace(/66:8d\S+/, '66:00:00:00:00:03'),
    );
    await until([device!, address!, ...entries, ...changed]);
  });

  test('one that is renamed keeps what it has under both names', async () => {
    host.update(put(node('renamed', '172.30.0.12/24', '10.80.2.0', { vxlanTunnelMac: '66:bf:1c:36:57:41' })));
    host.update(put(block('10.80.2.0/26', 'renamed')));
    host.update(gone(h2));
    await until(without(/10\.80\.1\.9/));
  });

  test('a block that moves, a pool that changes its ways', async () => {
    host.update(put(block('10.80.2.0/26', 'h3')));
    await until(EXPECTED.map((line) => line.replace('10.80.2.0/26 via 10.80.2.0', '10.80.2.0/26 via 10.80.3.0')));
    host.update(put(b2), put(cross));
    const directly = (line: string) =>
      line.replace(
        /^(10\.80\.(?:1\.9|2\.0\/26)) via 10\.80\.2\.0 dev vxlan.calico/,
        '$1 via 172.30.0.12 dev eth0 proto 80',
      );
    await until(EXPECTED.map(directly));
    await restart();
    await until(EXPECTED.map(directly));
    host.update(put(pool('10.80.0.0/16')));
    await until(without(/ via /));
    host.update(put(always));
    await until(EXPECTED);
  });

  test('routes beside the tunnel that nobody wants any more go, also those of another Felix', async () => {
    await host.close();
    sh('ip route add 10.80.77.0/26 via 172.30.0.77 dev eth0 proto 80 onlink; ip route add 10.90.0.0/26 via 172.30.0.1');
    sh('ip route add 10.80.78.0/26 via 10.80.3.0 dev vxlan.calico onlink');
    sh('bridge fdb add 66:00:00:00:00:99 dev vxlan.calico dst 172.30.0.99');
    sh('ip neigh add 10.80.99.0 lladdr 66:00:00:00:00:99 dev vxlan.calico nud permanent');
    host = await NamespaceHost.start(configWith({}), graph, 0);
    await until([...EXPECTED.slice(0, 9), '10.90.0.0/26 via 172.30.0.1 dev eth0', ...EXPECTED.slice(9)]);
    sh('ip route del 10.90.0.0/26');
  });

  test('a workload that is here is here, whatever its block says', async () => {
    sh('ip link add cali1 type veth peer name w1; ip link set cali1 up; ip link set w1 up');
    host.update(put(workload('w1', { interfaceName: 'cali1', ips: ['10.80.1.9'], mac: '' })));
    const [own] = EXPECTED.slice(6);
    const here = EXPECTED.map((line) => (line === own ? '10.80.1.9 dev cali1 scope link' : line));
    await until(here);
    host.update(put(block('10.80.1.0/26', 'h1', { '10.80.1.9': 'h3' })));
    await until(here);
    host.update(gone(workload('w1')));
    await until(EXPECTED.map((line) => line.replace('10.80.1.9 via 10.80.2.0', '10.80.1.9 via 10.80.3.0')));
  });

  test('external hosts may send, too', async () => {
    await host.close();
    host = await NamespaceHost.start(configWith({}, [cidr('192.0.2.0/24'), cidr('172.30.0.12/32')]), graph);
    await until([...EXPECTED, 'host 192.0.2.0/24']);
    host.update(gone(h2), gone(b2));
    await sleep(300);
    expect(overlay()).toContain('host 172.30.0.12');
  });
});

test('5,000 blocks of 500 hosts come and go; one more costs what it is', async () => {
  const hosts = Array.from({ length: 500 }, (_, i) =>
    node(`n${i}`, `172.30.${i >> 7}.${i & 127}/16`, `10.81.${i >> 7}.${i & 127}`),
  );
  const blocks = Array.from({ length: 5000 }, (_, i) =>
    block(`10.${82 + (i >> 10)}.${(i >> 2) & 255}.${(i & 3) << 6}/26`, `n${i % 500}`),
  );
  const count = () => Number(sh('ip route show dev vxlan.calico | wc -l'));
  const reach = async (wanted: number) => {
    for (let i = 0; i < 500 && count() !== wanted; i++) await sleep(20);
    expect(count()).toBe(wanted);
  };
  host.update(
    ...[...hosts, pool('10.80.0.0/12', { vxlan: 'always' }), gone(always)].map((one) =>
      'value' in one ? one : put(one),
    ),
  );
  host.update(...blocks.map(put));
  await reach(5003);
  const before = host.operations;
  host.update(put(block('10.95.0.0/26', 'n1')));
  await reach(5004);
  expect(host.operations - before).toBe(1);
  host.update(...blocks.map(gone), ...hosts.map(gone), gone(block('10.95.0.0/26')));
  await reach(3);
  await until(EXPECTED);
});
