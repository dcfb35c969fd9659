/**
 * A host that becomes a node, in a namespace of its own, with a real etcd: its addresses are found by every method, its Node
 * and the cluster's defaults are written, tunnel addresses follow the pools, and what it runs is kept running.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { EtcdStore } from '../../src/datastore/etcd/store.ts';
import { Client } from '../../src/datastore/index.ts';
import { detect } from '../../src/node/autodetect.ts';
import { doubts } from '../../src/node/doubts.ts';
import { thisHost } from '../../src/node/host.ts';
import { parseMethod } from '../../src/node/method.ts';
import { programPath } from '../../src/program/index.ts';
import { Etcd, ready } from './datastore-etcd.ts';
import { enterOwnNamespace, sh } from './own-namespace.ts';

const etcd = new Etcd();
const directory = mkdtempSync(join(tmpdir(), 'n-node-'));
let client: Client;

beforeAll(async () => {
  enterOwnNamespace();
  sh(`ip link add docker0 type bridge; ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up
      ip link add eth0 type veth peer name far0; ip link set eth0 up; ip link set far0 up
      ip addr add 169.254.9.9/16 dev eth0; ip addr add 10.3.0.5/24 dev eth0; ip addr add 10.3.0.6/24 dev eth0
      ip addr add fd00:3::5/64 dev eth0 nodad
      ip link add br-ex type bridge; ip addr add 10.4.0.5/20 dev br-ex; ip addr add fd00:4::5/64 dev br-ex nodad; ip link set br-ex up
      ip link add vx0 type vxlan id 7 dstport 4799 local 10.3.0.5; ip addr add 10.8.0.1/24 dev vx0
      ip route add default via 10.3.0.1; ip route add 203.0.113.0/24 via 10.4.0.1
      ip -6 route add default via fd00:3::1; ip -6 route add 2001:db8::/32 via fd00:4::1`);
  await etcd.start();
  await ready(etcd);
  client = new Client(new EtcdStore({ endpoints: [etcd.endpoint] }));
});

afterAll(async () => {
  await client.close();
  await etcd.remove();
  rmSync(directory, { recursive: true });
});

describe('autodetection in a real host', () => {
  const found = async (text: string, family: 4 | 6) => {
    const host = thisHost({}, 'n1');
    const found = await detect(parseMethod(text, 'IP_AUTODETECTION_METHOD'), family, host);
    return {
      text: `${found.address}/${found.prefixLength} ${found.on?.name}`,
      doubts: doubts(found, family, host.interfaces()),
    };
  };

  test.each([
    ['first-found', 4, '10.3.0.5/24 eth0', []],
    ['first-found', 6, 'fd00:3::5/64 eth0', []],
    ['skip-interface=eth.*', 4, '10.4.0.5/20 br-ex', ['br-ex is a bridge', 'the default route leaves by eth0']],
    ['interface=docker.*', 4, '172.17.0.1/16 docker0', ['network of containers', 'the default route leaves by eth0']],
    ['interface=vx.*', 4, '10.8.0.1/24 vx0', ['a VPN or a tunnel', 'vx0 is down', 'the default route']],
    ['cidr=10.3.0.6/32,10.4.0.0/16', 4, '10.3.0.6/24 eth0', []],
    ['cidr=fd00:4::/32', 6, 'fd00:4::5/64 br-ex', ['br-ex is a bridge', 'the default route leaves by eth0']],
    ['can-reach=203.0.113.9', 4, '10.4.0.5/20 br-ex', ['br-ex is a bridge', 'the default route leaves by eth0']],
    ['can-reach=198.51.100.1', 4, '10.3.0.5/24 eth0', []],
    ['can-reach=2001:db8::9', 6, 'fd00:4::5/64 br-ex', ['br-ex is a bridge', 'the default route leaves by eth0']],
    ['can-reach=localhost', 4, '127.0.0.1/8 lo', ['the default route leaves by eth0']],
  ] as const)('%s, IPv%i: %s', async (method, family, text, warnings) => {
    expect(await found(method, family)).toEqual({
      text,
      doubts: warnings.map((warning) => expect.stringContaining(warning)),
    });
  });

  test.each(['can-reach=no-such-host.invalid', 'interface=nosuch'])('%s finds nothing', async (method) => {
    await expect(found(method, 4)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
  });
});

const ENV = {
  PATH: process.env.PATH,
  NODENAME: 'n1',
  CALICO_NODENAME_FILE: join(directory, 'nodename'),
  CALICO_RUN_DIR: join(directory, 'run'),
  CALICO_IPV4POOL_CIDR: '10.65.0.0/16',
  FELIX_LOGFILEPATH: 'none',
  FELIX_HEALTHENABLED: 'false',
};
const env = () => ({ ...ENV, ETCD_ENDPOINTS: etcd.endpoint });

const poll = (get: () => unknown) => expect.poll(get, { timeout: 30_000, interval: 100 });
const node = async () => (await client.find('Node', 'n1'))?.spec as { bgp?: Record<string, unknown> } | undefined;
const handles = async () =>
  (await client.store.list('/calico/ipam/v2/handle/')).items.map(({ key }) => key.slice(key.lastIndexOf('/') + 1));

async function setPool(fields: Record<string, unknown>): Promise<void> {
  const pool = await client.get('IPPool', 'default-ipv4-ippool');
  await client.update({ ...pool, spec: { ...pool.spec, ...fields } });
}

/** Programs whose parent is this process, by name. */
function childrenOf(parent: number): Record<string, number> {
  const children: Record<string, number> = {};
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) !== parent) continue;
      const [, name] = /(calico-\w+)\.js/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? [];
      if (name) children[name] = Number(pid);
    } catch {} // it has just ended
  }
  return children;
}

function alive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('calico-node', () => {
  let running: ChildProcess | null = null;
  let log = '';

  function begin(more: Record<string, string> = {}): ChildProcess {
    log = '';
    const child = spawn(programPath('calico-node'), [], { env: { ...env(), ...more } });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (log += text));
    running = child;
    return child;
  }

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    const child = running as ChildProcess;
    running = null;
    const gone = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    child.kill(signal);
    return gone;
  }

  afterEach(async () => {
    if (running) await end('SIGKILL');
  });

  /** Over whichever iptables. */
  const isEnforcing = () =>
    ['legacy', 'nft'].some((backend) => spawnSync(`iptables-${backend}-save`).stdout.includes('cali-FORWARD'));

  test('makes the host a node, and keeps it one', { timeout: 120_000 }, async () => {
    const child = begin({ IP: 'autodetect', CALICO_IPV4POOL_IPIP: 'Always' });
    await poll(async () => (await node())?.bgp).toEqual({
      ipv4Address: '10.3.0.5/24',
      ipv4IPIPTunnelAddr: expect.stringMatching(/^10\.65\./),
    });
    expect(readFileSync(ENV.CALICO_NODENAME_FILE, 'utf8')).toBe('n1');
    expect(await handles()).toEqual(['ipip-tunnel-addr-n1']);
    await poll(() => Object.keys(childrenOf(child.pid as number)).sort()).toEqual(['calico-bgp', 'calico-felix']);
    await poll(isEnforcing).toBe(true);

    // Pools change.
    await setPool({ ipipMode: 'Never', vxlanMode: 'Always' });
    await poll(node).toEqual({
      bgp: { ipv4Address: '10.3.0.5/24' },
      ipv4VXLANTunnelAddr: expect.stringMatching(/^10\.65\./),
    });
    await poll(handles).toEqual(['vxlan-tunnel-addr-n1']);
    await setPool({ nodeSelector: "rack == 'a'" });
    await poll(node).toEqual({ bgp: { ipv4Address: '10.3.0.5/24' } });
    await poll(handles).toEqual([]);
    const labelled = await client.get('Node', 'n1');
    await client.update({ ...labelled, metadata: { ...labelled.metadata, labels: { rack: 'a' } } });
    await poll(handles).toEqual(['vxlan-tunnel-addr-n1']);

    // The host's addresses change: one more, that would be found before, changes nothing; the node's own is followed.
    sh('ip addr add 10.3.1.1/24 dev far0; sleep 2');
    expect((await node())?.bgp).toEqual({ ipv4Address: '10.3.0.5/24' });
    sh('ip addr del 10.3.1.1/24 dev far0; ip addr flush dev eth0; ip addr add 10.3.0.7/24 dev eth0');
    await poll(async () => (await node())?.bgp).toEqual({ ipv4Address: '10.3.0.7/24' });

    // A program ends.
    const before = childrenOf(child.pid as number);
    process.kill(before['calico-felix'] as number, 'SIGKILL');
    await poll(() => childrenOf(child.pid as number)['calico-felix']).not.toBe(before['calico-felix']);
    await poll(() => Object.keys(childrenOf(child.pid as number)).length).toBe(2);

    const programs = Object.values(childrenOf(child.pid as number));
    expect(await end('SIGTERM')).toBe(0);
    expect(programs.filter(alive)).toEqual([]);
    expect(isEnforcing()).toBe(true);
    expect(await handles()).toEqual(['vxlan-tunnel-addr-n1']);
  });

  test('killed, takes its programs along, leaves the kernel as it is, and is taken over by the next', {
    timeout: 120_000,
  }, async () => {
    const child = begin();
    await poll(() => Object.keys(childrenOf(child.pid as number)).length).toBe(2);
    const programs = Object.values(childrenOf(child.pid as number));
    await end('SIGKILL');
    await poll(() => programs.filter(alive)).toEqual([]);
    expect(isEnforcing()).toBe(true);
    const { revision } = await client.store.list('/calico/ipam/');
    const before = await node();
    begin();
    await poll(() => log).toContain('the node is set up');
    expect(await node()).toEqual(before);
    expect(
      (await client.store.list('/calico/ipam/')).items.every((item) => BigInt(item.revision) <= BigInt(revision)),
    ).toBe(true);
  });

  test('startup: sets it up, and ends', () => {
    const { status, stdout } = spawnSync(programPath('calico-node'), ['startup'], { env: env(), encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining('the node is set up') });
    expect(stdout).not.toContain('started');
  });

  test.each([
    ['another node has its address', { NODENAME: 'n2', IP: '10.3.0.7/24' }, 'E_CONFLICT'],
    ['its address is none', { IP: 'here' }, 'E_CONFIG'],
    ['its name is none', { NODENAME: 'N/1', IP: '10.3.0.99' }, 'E_INVALID'],
    ['etcd does not answer', { ETCD_ENDPOINTS: 'http://127.0.0.1:1' }, 'E_DATASTORE'],
  ])('does not start when %s', { timeout: 30_000 }, async (_, more, code) => {
    const nodes = (await client.list('Node')).items.length;
    const child = begin(more);
    const status = await new Promise((resolve) => child.once('close', resolve));
    running = null;
    expect({ status, log }).toEqual({ status: 1, log: expect.stringContaining(`"error":"${code} `) });
    expect((await client.list('Node')).items).toHaveLength(nodes);
  });

  test('waits for an etcd that is not there yet, if it is told to', { timeout: 60_000 }, async () => {
    await etcd.stop();
    begin({ WAIT_FOR_DATASTORE: 'true' });
    await poll(() => log).toContain('waiting for the datastore');
    await etcd.start();
    await poll(() => log).toContain('the node is set up');
  });
});

describe('calicoctl node', () => {
  const calicoctl = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(programPath('calicoctl'), ['node', ...args], {
      env: env(),
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };
  const logs = ['--log-dir', join(directory, 'log')];

  test('run starts a node that stays, once; diags gathers what it knows', { timeout: 120_000 }, async () => {
    const started = calicoctl('run', '--backend=vxlan', '--name=n1', ...logs);
    expect(started).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^Calico node started: process \d+, log /),
    });
    const pid = Number(/process (\d+)/.exec(started.stdout)?.[1]);
    try {
      expect(Object.keys(childrenOf(pid))).toEqual(['calico-felix']);
      expect(calicoctl('run', ...logs)).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('E_EXISTS calico-node: runs already'),
      });
      const { status, stdout } = calicoctl('diags', ...logs);
      const [, archive] = /Diagnostics are in (\S+)/.exec(stdout) ?? [];
      expect({ status, archive }).toEqual({ status: 0, archive: expect.stringMatching(/\.tar\.gz$/) });
      const files = sh(`tar -tzf ${archive}`);
      for (const file of ['/iptables4', '/felix', '/links', '/nodes', '/logs/calico-node.log'])
        expect(files).toContain(file);
      expect(sh(`tar -xzOf ${archive} --wildcards '*/links'`)).toContain('docker0');
      rmSync(join(archive as string, '..'), { recursive: true });
    } finally {
      process.kill(pid, 'SIGTERM');
    }
    await poll(() => alive(pid)).toBe(false);
  });

  test('run says why a node does not start', async () => {
    expect(calicoctl('run', '--ip=bad', ...logs)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("E_CONFIG IP: is no IPv4 address: 'bad'"),
    });
  });
});
