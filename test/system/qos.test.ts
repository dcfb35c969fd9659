/**
 * Limits on a workload's traffic, with real packets: the whole of Felix between etcd and the kernel, two workloads, and what
 * gets from one to the other.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../../src/datastore/client.ts';
import { configFromEnvironment } from '../../src/datastore/config.ts';
import { connect } from '../../src/datastore/index.ts';
import { Etcd, ready } from './datastore-etcd.ts';
import { enterOwnNamespace, sh } from './own-namespace.ts';

enterOwnNamespace();

/** The limits are those of the first. */
const IPS = ['10.65.0.1', '10.65.0.2'] as const;
const namespaceOf = (ip: string): string => `q-${process.pid}-${ip.split('.').at(-1)}`;
const interfaceOf = (ip: string): string => `cali${ip.split('.').at(-1)}`;
const MBIT = 1_000_000;
/** bits that may pass at once */
const BURST = 160_000;

const etcd = new Etcd();
let client: Client;
let felix: ChildProcess;
const started: ChildProcess[] = [];

beforeAll(async () => {
  // The host answers for a workload's gateway if it has a route to it.
  sh('ip link add up0 type bridge; ip link set up0 up; ip route add default dev up0');
  for (const ip of IPS) plug(ip);
  await etcd.start();
  await ready(etcd);
  client = await connect(configFromEnvironment({ ETCD_ENDPOINTS: etcd.endpoint }));
  const allow = [{ action: 'Allow' }];
  await create('GlobalNetworkPolicy', { name: 'all' }, { selector: 'all()', ingress: allow, egress: allow });
  for (const ip of IPS) await create('WorkloadEndpoint', endpoint(ip).metadata, endpoint(ip).spec);
  start();
  await until(() => /10\.65\.0\.1.*10\.65\.0\.2/s.test(sh('ip route')));
});

afterEach(async () => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  await limit(undefined);
});

afterAll(async () => {
  felix?.kill('SIGKILL');
  await client?.store.close();
  await etcd.remove();
  for (const ip of IPS) sh(`ip netns del ${namespaceOf(ip)} || true`);
});

/** A workload as a namespace, with the host as its router. */
function plug(ip: string): void {
  const [ns, cali] = [namespaceOf(ip), interfaceOf(ip)];
  sh(`ip netns add ${ns}; ip link add ${cali} type veth peer name eth0 netns ${ns}; ip link set ${cali} up`);
  sh(`ip -n ${ns} link set lo up; ip -n ${ns} link set eth0 up; ip -n ${ns} addr add ${ip}/32 dev eth0`);
  sh(`ip -n ${ns} route add 169.254.1.1 dev eth0; ip -n ${ns} route add default via 169.254.1.1`);
}

const endpoint = (ip: string, qosControls?: object) => ({
  metadata: { name: `h1-lab-${interfaceOf(ip)}-eth0`, namespace: 'default' },
  spec: {
    node: 'h1',
    orchestrator: 'lab',
    workload: interfaceOf(ip),
    endpoint: 'eth0',
    interfaceName: interfaceOf(ip),
    ipNetworks: [`${ip}/32`],
    ...(qosControls && { qosControls }),
  },
});

async function create(kind: string, metadata: object, spec: object): Promise<void> {
  await client.create({ apiVersion: 'projectcalico.org/v3', kind, metadata, spec } as Parameters<Client['create']>[0]);
}

function start(): void {
  felix = spawn(process.execPath, ['src/felix/main.ts'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      ETCD_ENDPOINTS: etcd.endpoint,
      FELIX_FELIXHOSTNAME: 'h1',
      FELIX_IPTABLESBACKEND: 'legacy',
      FELIX_LOGSEVERITYSCREEN: 'fatal',
      FELIX_LOGFILEPATH: 'none',
    },
  });
}

/** The first workload's controls become these. Resolves when the kernel has them. */
async function limit(qosControls: object | undefined): Promise<void> {
  const { metadata, spec } = endpoint(IPS[0], qosControls);
  const stored = await client.get('WorkloadEndpoint', metadata.name, metadata.namespace);
  await client.update({ ...stored, spec } as typeof stored);
  const expected = inKernel(qosControls ?? {});
  await until(() => JSON.stringify(seen()) === JSON.stringify(expected));
}

interface Seen {
  buckets: number;
  ifbs: number;
  redirects: number;
  rates: number;
  connections: number;
}

function inKernel(controls: object): Seen {
  const has = (name: string): number => Number(name in controls);
  return {
    buckets: has('ingressBandwidth') + has('egressBandwidth'),
    ifbs: has('egressBandwidth'),
    redirects: has('egressBandwidth'),
    // For IPv6, too.
    rates: 2 * (has('ingressPacketRate') + has('egressPacketRate')),
    connections: 2 * (has('ingressMaxConnections') + has('egressMaxConnections')),
  };
}

function seen(): Seen {
  const rules = sh('iptables-legacy-save; ip6tables-legacy-save');
  const count = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length;
  return {
    buckets: count(sh('tc qdisc show'), /^qdisc tbf/gm),
    ifbs: count(sh('ip -o link show type ifb'), /\n/g),
    redirects: count(sh(`tc filter show dev ${interfaceOf(IPS[0])} parent ffff: 2>/dev/null || true`), /Redirect/g),
    rates: count(rules, /-m limit /g),
    connections: count(rules, /-m connlimit /g),
  };
}

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`it does not come about: ${JSON.stringify(seen())}`);
    await sleep(20);
  }
}

/** Runs a program in a workload; what it prints. */
async function inWorkload(ip: string, ...command: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('ip', ['netns', 'exec', namespaceOf(ip), ...command]);
  return stdout;
}

/** A program in a workload that stays until the end of the test; resolves when it has printed its first line. */
async function serve(ip: string, ...command: string[]): Promise<void> {
  const child = spawn('ip', ['netns', 'exec', namespaceOf(ip), ...command], { stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
}

/** What a program has printed so far. */
function watch(program: string, ...args: string[]): () => string {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(child);
  let printed = '';
  child.stdout.on('data', (text) => {
    printed += text;
  });
  return () => printed;
}

const script = (ip: string, text: string): Promise<string> => inWorkload(ip, process.execPath, '-e', text);

describe('bandwidth', () => {
  /** bits a second that arrive in two seconds */
  async function throughput(from: string, to: string): Promise<number> {
    await serve(to, 'iperf3', '-s', '-1', '--forceflush');
    const report = JSON.parse(await inWorkload(from, 'iperf3', '-c', to, '-t', '2', '-J'));
    return report.end.sum_received.bits_per_second;
  }

  test('to the workload and from it, each by itself', async () => {
    const [own, other] = IPS;
    expect(await throughput(other, own)).toBeGreaterThan(10 * MBIT);
    await limit({ ingressBandwidth: MBIT, ingressBurst: BURST });
    expect(await throughput(other, own)).toBeLessThan(1.5 * MBIT);
    expect(await throughput(own, other)).toBeGreaterThan(10 * MBIT);
    await limit({ egressBandwidth: MBIT, egressBurst: BURST });
    expect(await throughput(own, other)).toBeLessThan(1.5 * MBIT);
    expect(await throughput(other, own)).toBeGreaterThan(10 * MBIT);
    await limit(undefined);
    expect(await throughput(own, other)).toBeGreaterThan(10 * MBIT);
  });

  test('a limit is used, and can be raised while it is', async () => {
    const [own, other] = IPS;
    await limit({ ingressBandwidth: MBIT, ingressBurst: BURST, egressBandwidth: MBIT, egressBurst: BURST });
    expect(await throughput(other, own)).toBeGreaterThan(MBIT / 4);
    const ifb = sh('ip -o link show type ifb');
    await limit({ ingressBandwidth: 8 * MBIT, ingressBurst: BURST, egressBandwidth: 8 * MBIT, egressBurst: BURST });
    await until(() => sh('tc qdisc show').match(/rate 8Mbit/g)?.length === 2);
    for (const [from, to] of [
      [own, other],
      [other, own],
    ] as const) {
      const rate = await throughput(from, to);
      expect(rate).toBeGreaterThan(2 * MBIT);
      expect(rate).toBeLessThan(12 * MBIT);
    }
    expect(sh('ip -o link show type ifb')).toBe(ifb);
  });

  test('full packets pass a bucket that is smaller than they are, and a peak', async () => {
    const [own, other] = IPS;
    const small = { ingressBandwidth: 4 * MBIT, ingressBurst: 1000 };
    await limit({ ...small, ingressPeakrate: 8 * MBIT, ingressMinburst: 1000 });
    expect(await throughput(other, own)).toBeGreaterThan(MBIT);
  });

  test('a Felix that is killed leaves it, and one that starts does not touch it', async () => {
    await limit({ ingressBandwidth: MBIT, ingressBurst: BURST, egressBandwidth: 2 * MBIT });
    const all = () => sh('tc qdisc show; ip -o link show type ifb');
    const before = all();
    const ended = new Promise((resolve) => felix.once('exit', resolve));
    felix.kill('SIGKILL');
    await ended;
    const changes = watch('tc', 'monitor');
    sh(`ip route del ${IPS[1]}`);
    start();
    // Routes come last.
    await until(() => sh('ip route').includes(IPS[1]));
    expect(all()).toBe(before);
    expect(changes()).toBe('');
    // It does see changes.
    sh(`tc qdisc change dev ${interfaceOf(IPS[0])} root handle 1: tbf rate 1mbit burst 20000 latency 25ms`);
    await until(() => changes().includes('tbf'));
  });

  test('ends with its interface', async () => {
    await limit({ egressBandwidth: MBIT });
    sh(`ip link del ${interfaceOf(IPS[0])}`);
    await until(() => sh('ip -o link show type ifb') === '');
    sh(`ip netns del ${namespaceOf(IPS[0])}`);
    plug(IPS[0]);
    await until(() => seen().redirects === 1);
  });
});

describe('packet rate', () => {
  const RATE = 10;
  const AT_ONCE = 20;
  const SENT = 200;

  /** Datagrams that arrived of those sent at once, and the seconds that it took. */
  async function burst(from: string, to: string): Promise<{ arrived: number; seconds: number }> {
    const before = await datagrams(to);
    const begin = performance.now();
    await script(
      from,
      `const s = require('dgram').createSocket('udp4'); let left = ${SENT};
       for (let i = 0; i < ${SENT}; i++) s.send('x', 9, '${to}', () => --left || s.close());`,
    );
    const seconds = (performance.now() - begin) / 1000;
    await sleep(50);
    return { arrived: (await datagrams(to)) - before, seconds };
  }

  async function datagrams(ip: string): Promise<number> {
    const values = (await inWorkload(ip, 'cat', '/proc/net/snmp')).split('\n').filter((line) => /^Udp: \d/.test(line));
    // InDatagrams and NoPorts: nobody listens.
    return (values[0] ?? '')
      .split(' ')
      .slice(1, 3)
      .map(Number)
      .reduce((a, b) => a + b, 0);
  }

  test.each(['ingress', 'egress'] as const)('%s', async (direction) => {
    const [from, to] = direction === 'ingress' ? [IPS[1], IPS[0]] : [IPS[0], IPS[1]];
    expect((await burst(from, to)).arrived).toBe(SENT);
    await limit({ [`${direction}PacketRate`]: RATE, [`${direction}PacketBurst`]: AT_ONCE });
    const { arrived, seconds } = await burst(from, to);
    expect(arrived).toBeGreaterThanOrEqual(AT_ONCE);
    expect(arrived).toBeLessThanOrEqual(AT_ONCE + RATE * seconds + 1);
    await limit(undefined);
    expect((await burst(from, to)).arrived).toBe(SENT);
  });
});

describe('connections', () => {
  const COUNT = 3;

  /** What becomes of so many connections, one after the other and all held; then the first ends, and two more are tried. */
  async function connections(from: string, to: string): Promise<string[]> {
    await serve(
      to,
      process.execPath,
      '-e',
      `require('net').createServer((s) => s.on('error', () => {}).resume()).listen(7000, '${to}', () => console.log('here'))`,
    );
    const results = await script(
      from,
      `const net = require('net'); const held = [];
       const open = () => new Promise((done) => {
         const socket = net.connect(7000, '${to}');
         socket.once('connect', () => done('connected')).once('error', (error) => done(error.code));
         held.push(socket);
       });
       (async () => {
         const results = [];
         for (let i = 0; i < ${COUNT + 2}; i++) results.push(await open());
         await new Promise((done) => held[0].once('close', done).end());
         // The kernel counts what it refused for some milliseconds.
         let again = '';
         for (let i = 0; i < 50 && again !== 'connected'; i++) {
           await new Promise((done) => setTimeout(done, 50));
           again = await open();
         }
         results.push(again, await open());
         console.log(results.join());
         process.exit();
       })();`,
    );
    return results.trim().split(',');
  }

  test.each(['ingress', 'egress'] as const)('%s', async (direction) => {
    const [from, to] = direction === 'ingress' ? [IPS[1], IPS[0]] : [IPS[0], IPS[1]];
    await limit({ [`${direction}MaxConnections`]: COUNT });
    const held = Array(COUNT).fill('connected');
    const refused = Array(2).fill('ECONNREFUSED');
    expect(await connections(from, to)).toEqual([...held, ...refused, 'connected', 'ECONNREFUSED']);
    // The other way they are not limited.
    for (const child of started.splice(0)) child.kill('SIGKILL');
    expect(await connections(to, from)).toEqual(Array(COUNT + 4).fill('connected'));
  });
});

describe('DSCP', () => {
  const EF = 46;
  const hooked = (): boolean => sh('iptables-legacy-save -t mangle').includes('-A POSTROUTING');

  /** Does what the first workload sends to the second arrive with this code point? */
  async function arrivesMarked(): Promise<boolean> {
    const count = `ip netns exec ${namespaceOf(IPS[1])} iptables-legacy -t mangle`;
    sh(`${count} -F; ${count} -A INPUT -m dscp --dscp ${EF}`);
    sh(`${count} -A INPUT -p udp --dport 9`);
    const counters = () => [...sh(`${count} -nvxL INPUT`).matchAll(/^ +(\d+)/gm)].map(([, packets]) => Number(packets));
    await script(
      IPS[0],
      `const s = require('dgram').createSocket('udp4'); s.send('x', 9, '${IPS[1]}', () => s.close())`,
    );
    await until(() => counters()[1] === 1);
    return counters()[0] === 1;
  }

  test('marks what leaves the cluster, and only that', async () => {
    expect(await arrivesMarked()).toBe(false);
    expect(hooked()).toBe(false);
    await limit({ dscp: 'EF' });
    await until(hooked);
    expect(await arrivesMarked()).toBe(true);
    await create('IPPool', { name: 'elsewhere' }, { cidr: '10.66.0.0/24' });
    await create('IPPool', { name: 'here' }, { cidr: '10.65.0.0/24' });
    await until(() => sh('iptables-legacy-save -t mangle').includes('-d 10.65.0.0/24'));
    expect(await arrivesMarked()).toBe(false);
    await client.delete('IPPool', 'here');
    await until(() => !sh('iptables-legacy-save -t mangle').includes('-d 10.65.0.0/24'));
    expect(await arrivesMarked()).toBe(true);
    await limit(undefined);
    await until(() => !hooked());
    expect(sh('iptables-legacy-save -t mangle')).not.toContain('cali-dscp');
  });
});
