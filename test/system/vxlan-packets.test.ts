// Packets between a workload of ours and a host whose end of the tunnel was made with stock tools, as upstream's would be.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CalcGraph } from '../../src/calc/index.ts';
import { block, node, pool, profile, put, rule, workload } from '../../src/calc/testing/resources.ts';
import { BOTH_FAMILIES } from '../random/fake-host.ts';
import { NamespaceHost } from './namespace-host.ts';
import { enterOwnNamespace, sh } from './own-namespace.ts';

const H2 = `v${process.pid}-h2`;
const W1 = `v${process.pid}-w1`;
const always = pool('10.80.0.0/16', { vxlan: 'always' });
const cross = pool('10.80.0.0/16', { vxlan: 'cross-subnet' });
const OUR_MAC = '66:ac:4a:e9:72:85';
const servers: ChildProcess[] = [];
let host: NamespaceHost;

beforeAll(async () => {
  enterOwnNamespace();
  // The default route is what proxy ARP needs: the workload's gateway has to be somewhere.
  sh(`ip netns add ${H2}; ip link add eth0 type veth peer name eth0 netns ${H2}
    ip addr add 172.30.0.11/24 dev eth0; ip link set eth0 up; ip route add default via 172.30.0.12
    exec ip -b - <<END -n ${H2}
link set lo up
link set eth0 up
address add 172.30.0.12/24 dev eth0
address add 172.30.0.13/24 dev eth0
address add 10.80.2.5/32 dev lo
END`);
  tunnelFrom('172.30.0.12');
  sh(`ip netns add ${W1}; ip link add cali1 type veth peer name eth0 netns ${W1}; ip link set cali1 up
    exec ip -b - <<END -n ${W1}
link set eth0 up
address add 10.80.1.5/32 dev eth0
route add 169.254.1.1 dev eth0
route add default via 169.254.1.1
END`);
  const graph = new CalcGraph({ node: 'h1' });
  const open = profile('open', { ingress: [rule()], egress: [rule()] });
  const w1 = workload('w1', { interfaceName: 'cali1', ips: ['10.80.1.5'], mac: '', profiles: ['open'] });
  const nodes = [node('h1', '172.30.0.11/24', '10.80.1.0'), node('h2', '172.30.0.12/24', '10.80.2.0')];
  graph.onUpdates([always, ...nodes, block('10.80.1.0/26', 'h1'), block('10.80.2.0/26', 'h2'), open, w1].map(put));
  host = await NamespaceHost.start({ ...BOTH_FAMILIES, families: [4], encapsulations: { vxlan4: 'on' } }, graph);
  await routed('vxlan.calico');
  for (const name of [H2, W1]) servers.push(await echo(name));
});

afterAll(async () => {
  for (const server of servers) server.kill();
  await host?.close();
  for (const name of [H2, W1]) sh(`ip netns del ${name} || true`);
});

/** The other host's end, whose packets come from this address. */
function tunnelFrom(address: string): void {
  sh(`ip -n ${H2} link del vxlan.calico 2>/dev/null || true
    ip -n ${H2} link add vxlan.calico address 66:bf:1c:36:57:41 type vxlan id 4096 local ${address} dev eth0 dstport 4789 nolearning
    ip -n ${H2} address add 10.80.2.0/32 dev vxlan.calico; ip -n ${H2} link set vxlan.calico mtu 1410 up
    bridge -n ${H2} fdb add ${OUR_MAC} dev vxlan.calico dst 172.30.0.11
    ip -n ${H2} neigh add 10.80.1.0 lladdr ${OUR_MAC} dev vxlan.calico nud permanent
    ip -n ${H2} route add 10.80.1.0/26 via 10.80.1.0 dev vxlan.calico onlink src 10.80.2.5`);
}

async function routed(device: string): Promise<void> {
  for (let i = 0; i < 300 && !sh('ip route show 10.80.2.0/26').includes(device); i++) await sleep(10);
  expect(sh('ip route show 10.80.2.0/26')).toContain(device);
}

const ECHO = `const socket = require('node:dgram').createSocket('udp4');
socket.on('message', (message, { port, address }) => socket.send(message, port, address));
socket.bind(7, () => console.log('ready'));`;

/** One datagram every 10 ms; prints how many came back. */
const PROBE = `const [to, count] = process.argv.slice(1);
const socket = require('node:dgram').createSocket('udp4');
let sent = 0, received = 0;
socket.on('message', () => received++);
const timer = setInterval(() => {
  if (sent++ < Number(count)) return socket.send('x', 7, to);
  clearInterval(timer);
  setTimeout(() => { console.log(received); socket.close(); }, 1000);
}, 10);`;

async function echo(name: string): Promise<ChildProcess> {
  const server = spawn('ip', ['netns', 'exec', name, process.execPath, '-e', ECHO]);
  await once(server.stdout, 'data');
  return server;
}

/** How many of so many datagrams were answered. */
async function pings(from: string, to: string, count: number): Promise<number> {
  const probe = [process.execPath, '-e', PROBE, to, `${count}`];
  return Number((await promisify(execFile)('ip', ['netns', 'exec', from, ...probe])).stdout);
}

const encapsulated = (): number =>
  Number(/RX:.*\n\s*\d+\s+(\d+)/.exec(sh(`ip -n ${H2} -s link show vxlan.calico`))?.[1]);

test('both ways through the tunnel', async () => {
  const before = encapsulated();
  expect(await pings(W1, '10.80.2.5', 20)).toBe(20);
  expect(await pings(H2, '10.80.1.5', 20)).toBe(20);
  expect(encapsulated() - before).toBe(40);
});

test('a pool that is switched back and forth loses at most the packets in flight', async () => {
  const answered = pings(W1, '10.80.2.5', 200);
  for (const [changed, device] of [cross, always, cross, always].map(
    (p) => [p, p === cross ? 'eth0' : 'vxlan.calico'] as const,
  )) {
    await sleep(300);
    host.update(put(changed));
    await routed(device);
  }
  expect(await answered).toBeGreaterThanOrEqual(196);
  host.update(put(cross));
  await routed('eth0');
  const before = encapsulated();
  expect(await pings(W1, '10.80.2.5', 10)).toBe(10);
  expect(encapsulated()).toBe(before);
  host.update(put(always));
  await routed('vxlan.calico');
});

test('whoever is no node of the cluster gets nothing in', async () => {
  tunnelFrom('172.30.0.13');
  expect(await pings(H2, '10.80.1.5', 10)).toBe(0);
  host.update(put(node('h2', '172.30.0.13/24', '10.80.2.0')));
  for (let i = 0; i < 100 && !sh('bridge fdb show dev vxlan.calico').includes('172.30.0.13'); i++) await sleep(10);
  expect(await pings(H2, '10.80.1.5', 10)).toBe(10);
});
