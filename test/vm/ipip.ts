/**
 * Runs in the VM: two hosts as namespaces with a Felix each, etcd, and a workload on both that talk all the time. Each step
 * changes the pool, the nodes or the senders, and says what it saw; report: step → what went wrong, or null.
 *
 *     w1 ── h1 (172.30.0.11) ── bridge, etcd (172.30.0.2) ── h2 (172.30.0.12) ── w2
 */
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { IPIP_STEPS } from './ipip-steps.ts';

const ETCD = 'http://172.30.0.2:2379';
const PREFIX = '/calico/resources/v3/projectcalico.org';
const BLOCK = '10.80.2.0/26';
const W2 = '10.80.2.5';
/** The machine may be busy, and emulation is slow then, milliseconds. */
const PATIENCE = 150_000;
const TIMES = { creationTimestamp: '2026-01-01T00:00:00Z', uid: '00000000-0000-4000-8000-000000000001' };

const sh = (command: string): string => execFileSync('bash', ['-ec', command], { encoding: 'utf8' });
const base64 = (text: string): string => Buffer.from(text).toString('base64');

async function etcd(action: 'put' | 'deleterange', body: Record<string, string>): Promise<void> {
  const response = await fetch(`${ETCD}/v3/kv/${action}`, { method: 'POST', body: JSON.stringify(body) });
  assert.ok(response.ok, await response.text());
}
const put = (key: string, value: object) => etcd('put', { key: base64(key), value: base64(JSON.stringify(value)) });
const drop = (key: string) => etcd('deleterange', { key: base64(key) });

function resource(kind: string, plural: string, name: string, spec: object, namespace?: string): Promise<void> {
  const metadata = { ...TIMES, name, ...(namespace && { namespace }) };
  const key = [PREFIX, plural, ...(namespace ? [namespace] : []), name].join('/');
  return put(key, { apiVersion: 'projectcalico.org/v3', kind, metadata, spec });
}

const pool = (ipipMode: string, vxlanMode = 'Never') =>
  resource('IPPool', 'ippools', 'p', {
    cidr: '10.80.0.0/16',
    blockSize: 26,
    ipipMode,
    vxlanMode,
    nodeSelector: 'all()',
  });
const node = (name: string, ipv4Address: string, tunnel: string) =>
  resource('Node', 'nodes', name, {
    bgp: { ipv4Address, ipv4IPIPTunnelAddr: `${tunnel}.0` },
    ipv4VXLANTunnelAddr: `${tunnel}.1`,
  });
const blockKey = (cidr: string) => `/calico/ipam/v2/assignment/ipv4/block/${cidr.replace('/', '-')}`;
const block = (cidr: string, host: string) =>
  put(blockKey(cidr), {
    cidr,
    affinity: `host:${host}`,
    strictAffinity: false,
    allocations: new Array(64).fill(null),
    unallocated: Array.from({ length: 64 }, (_, i) => i),
    attributes: [],
    deleted: false,
  });
const workload = (name: string, host: string, address: string, interfaceName: string) =>
  resource(
    'WorkloadEndpoint',
    'workloadendpoints',
    `${host}-openstack-${name}-eth0`,
    {
      orchestrator: 'openstack',
      workload: name,
      node: host,
      endpoint: 'eth0',
      ipNetworks: [`${address}/32`],
      interfaceName,
      profiles: ['open'],
    },
    'default',
  );

/** Numbered datagrams, answered by an echo; a line on its standard input asks for sent and lost of those a second old. */
const STREAM = `const socket = require('node:dgram').createSocket('udp4');
let sent = 0; const waiting = new Map();
socket.on('message', (message) => waiting.delete(Number(message)));
socket.on('error', () => {});
socket.bind(() => setInterval(() => { waiting.set(++sent, Date.now()); socket.send(String(sent), 7, process.argv[1]); }, 100));
process.stdin.on('data', () => {
  const old = [...waiting].filter(([, at]) => Date.now() - at > 1000);
  for (const [number] of old) waiting.delete(number);
  console.log(JSON.stringify({ sent, lost: old.map(([number]) => number) }));
});`;
const ECHO = `const socket = require('node:dgram').createSocket('udp4');
socket.on('message', (message, { port, address }) => socket.send(message, port, address));
socket.bind(7, () => console.log('ready'));`;

function topology(): void {
  sh(`modprobe -a ipip vxlan
    sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
    ip link add br0 type bridge; ip addr add 172.30.0.2/24 dev br0; ip link set br0 up
    for n in 1 2; do
      ip netns add h$n; ip netns add w$n
      ip link add up$n type veth peer name eth0 netns h$n; ip link set up$n master br0 up
      ip -n h$n link set lo up; ip -n h$n link set eth0 up
      ip -n h$n addr add 172.30.0.1$n/24 dev eth0; ip -n h$n route add default via 172.30.0.2
      ip -n h$n link add cali$n type veth peer name eth0 netns w$n; ip -n h$n link set cali$n up
      ip -n w$n link set lo up; ip -n w$n link set eth0 up; ip -n w$n addr add 10.80.$n.5/32 dev eth0
      ip -n w$n route add 169.254.1.1 dev eth0; ip -n w$n route add default via 169.254.1.1 dev eth0
    done
    # Those of BIRD.
    ip -n h1 route add ${BLOCK} via 172.30.0.12 proto bird metric 2048
    ip -n h2 route add 10.80.1.0/26 via 172.30.0.11 proto bird metric 2048`);
}

function inNamespace(name: string, command: readonly string[], env: Record<string, string> = {}) {
  return spawn('ip', ['netns', 'exec', name, ...command], { env: { ...process.env, ...env } });
}

function felix(host: string): void {
  const child = inNamespace(host, [join(process.cwd(), 'bin/calico-felix')], {
    // Nothing of which is asked here, and which takes time.
    ...{ FELIX_REPORTINGINTERVALSECS: '0', FELIX_IPTABLESREFRESHINTERVAL: '0', FELIX_IPSETSREFRESHINTERVAL: '0' },
    ...{ DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: ETCD, FELIX_FELIXHOSTNAME: host, FELIX_IPV6SUPPORT: 'false' },
    ...{ FELIX_LOGSEVERITYSCREEN: 'warning', FELIX_LOGFILEPATH: 'none', FELIX_IPTABLESBACKEND: 'legacy' },
  });
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => process.stdout.write(`${host}: ${data}`));
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE;
  while (Date.now() < end) {
    if (await isSo()) return;
    await sleep(200);
  }
  throw new Error(`not so: ${what}\n${sh('ip -n h1 route; ip -n h2 route; ip -n h1 -s link')}`);
}

/** Routes of a host to the other's workloads that Felix made: `10.80.2.0/26 via 172.30.0.12 dev tunl0`. */
const routes = (host: string, other: string): string[] =>
  sh(`ip -n ${host} route show root 10.80.${other}.0/24 | grep -v bird || true`)
    .split('\n')
    .filter(Boolean)
    .map((line) => line.replace(/ (proto|onlink|src|scope).*/, ''));
const received = (device: string): number =>
  Number(sh(`ip netns exec h2 cat /sys/class/net/${device}/statistics/rx_packets`));

let stream: ChildProcessWithoutNullStreams;
let answers: AsyncIterator<string>;

async function lostSince(): Promise<{ sent: number; lost: number[] }> {
  await sleep(1500);
  stream.stdin.write('\n');
  return JSON.parse((await answers.next()).value);
}

/** Puts the pool, and waits until both hosts send by the device. Returns how many datagrams were lost meanwhile. */
async function change(ipipMode: string, vxlanMode: string, device: string | null): Promise<number> {
  await pool(ipipMode, vxlanMode);
  const both = () => [...routes('h1', '2'), ...routes('h2', '1')];
  await until(`routes by ${device}`, () =>
    device ? both().filter((line) => line.endsWith(`dev ${device}`)).length === 2 : both().length === 0,
  );
  const { lost } = await lostSince();
  return lost.length;
}

async function start(): Promise<void> {
  topology();
  const store = spawn('etcd', [
    '--data-dir',
    '/tmp/etcd',
    '--listen-client-urls',
    ETCD,
    '--advertise-client-urls',
    ETCD,
  ]);
  store.stderr.resume();
  await until('etcd is up', () =>
    fetch(`${ETCD}/health`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  await resource('ClusterInformation', 'clusterinformations', 'default', { datastoreReady: true });
  const all = [{ action: 'Allow', source: {}, destination: {} }];
  await resource('Profile', 'profiles', 'open', { ingress: all, egress: all });
  await node('h1', '172.30.0.11/24', '10.80.1');
  await node('h2', '172.30.0.12/24', '10.80.2');
  await block('10.80.1.0/26', 'h1');
  await block(BLOCK, 'h2');
  await workload('w1', 'h1', '10.80.1.5', 'cali1');
  await workload('w2', 'h2', W2, 'cali2');
  await pool('Always');
  for (const host of ['h1', 'h2']) felix(host);
  const echo = inNamespace('w2', [process.execPath, '-e', ECHO]);
  await once(echo.stdout, 'data');
  stream = inNamespace('w1', [process.execPath, '-e', STREAM, W2]);
  answers = createInterface({ input: stream.stdout })[Symbol.asyncIterator]();
}

const BY_TUNNEL = `${BLOCK} via 172.30.0.12 dev tunl0`;

const steps: Record<(typeof IPIP_STEPS)[number], () => Promise<void>> = {
  'packets go through the tunnel, both ways': async () => {
    await until('routes', () => routes('h1', '2').length > 0 && routes('h2', '1').length > 0);
    assert.deepEqual(routes('h1', '2'), [BY_TUNNEL]);
    assert.match(sh(`ip -n h1 route show ${BLOCK} dev tunl0`), /proto 80 onlink/);
    assert.match(sh('ip -n h1 -d addr show tunl0'), /UP.* mtu 1440 [\s\S]*inet 10.80.1.0\/32/);
    await lostSince();
    const before = received('tunl0');
    const { lost } = await lostSince();
    assert.deepEqual(lost, []);
    assert.ok(received('tunl0') - before >= 10, `${received('tunl0') - before} packets through the tunnel`);
  },
  'a pool changes while packets flow': async () => {
    const lost = {
      near: await change('CrossSubnet', 'Never', 'eth0'),
      always: await change('Always', 'Never', 'tunl0'),
      vxlan: await change('Never', 'Always', 'vxlan.calico'),
      ipip: await change('Always', 'Never', 'tunl0'),
      bird: await change('Never', 'Never', null),
      again: await change('Always', 'Never', 'tunl0'),
    };
    const total = Object.values(lost).reduce((sum, one) => sum + one, 0);
    assert.ok(total <= 3, `lost: ${JSON.stringify(lost)}`);
  },
  'CrossSubnet: to a host outside the subnet by the tunnel': async () => {
    await pool('CrossSubnet');
    await until('directly', () => routes('h1', '2').join() === `${BLOCK} via 172.30.0.12 dev eth0`);
    await node('h1', '172.30.0.11/32', '10.80.1');
    await until('by the tunnel', () => routes('h1', '2').join() === BY_TUNNEL);
    assert.equal((await lostSince()).lost.length, 0);
    await node('h1', '172.30.0.11/24', '10.80.1');
    await pool('Always');
    await until('by the tunnel', () => routes('h2', '1').join().endsWith('tunl0'));
  },
  'without blocks, routes come from endpoints': async () => {
    await drop(blockKey(BLOCK));
    await until('a route to the endpoint', () => routes('h1', '2').join() === `${W2} via 172.30.0.12 dev tunl0`);
    await lostSince();
    assert.equal((await lostSince()).lost.length, 0);
    await block(BLOCK, 'h2');
    await until('a route to the block', () => routes('h1', '2').join() === BY_TUNNEL);
  },
  'the MTU follows the uplink’s': async () => {
    sh('ip -n h1 link set eth0 mtu 1400');
    await until('1380', () => sh('ip -n h1 link show tunl0').includes('mtu 1380'));
    sh('ip -n h1 link set eth0 mtu 1500');
    await until('1440', () => sh('ip -n h1 link show tunl0').includes('mtu 1440'));
  },
  'tunnel packets of strangers and of workloads are dropped': async () => {
    const pingFrom = (namespace: string) =>
      sh(`ip netns exec ${namespace} busybox ping -c 3 -W 2 ${W2} >/dev/null && echo answered || echo silence`).trim();
    // What is no node: the machine that etcd runs on. w2 would answer it directly, were it asked.
    sh(`ip netns add other; ip link add o0 type veth peer name eth0 netns other; ip link set o0 master br0 up
      ip -n other addr add 172.30.0.99/24 dev eth0; ip -n other link set eth0 up; ip -n other link set tunl0 up
      ip -n other route add ${W2} via 172.30.0.12 dev tunl0 onlink src 172.30.0.99`);
    assert.equal(pingFrom('other'), 'silence');
    await node('other', '172.30.0.99/24', '10.80.9');
    await until('the set has it', () => sh('ip netns exec h2 ipset list cali40all-hosts-net').includes('172.30.0.99'));
    assert.equal(pingFrom('other'), 'answered');
    sh(`ip -n w1 link set tunl0 up; ip -n w1 route add 10.80.2.99 via 172.30.0.12 dev tunl0 onlink`);
    const dropped = () =>
      sh('ip netns exec h1 iptables-legacy -nvxL cali-fw-cali1').match(/(\d+) +\d+ DROP +(?:4|ipencap|ipv4) /)?.[1];
    sh('ip netns exec w1 busybox ping -c 3 -W 1 10.80.2.99 >/dev/null || true');
    assert.ok(
      Number(dropped()) >= 3,
      `dropped: ${dropped()}\n${sh('ip netns exec h1 iptables-legacy -nvxL cali-fw-cali1')}`,
    );
  },
};

const report: Record<string, string | null> = {};
try {
  await start();
  for (const step of IPIP_STEPS) {
    const begin = Date.now();
    await steps[step]();
    report[step] = null;
    console.log(`${step}: ${((Date.now() - begin) / 1000).toFixed(1)} s`);
  }
} catch (error) {
  report[IPIP_STEPS.find((step) => !(step in report)) ?? 'start'] = String((error as Error).stack);
} finally {
  writeFileSync(join(process.env.OUT ?? '.', 'report'), JSON.stringify(report));
  process.exit(0);
}
