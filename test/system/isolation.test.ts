/**
 * What cannot be programmed is closed, is named in the status of the endpoints that it concerns, and is in nobody's way:
 * the whole of Felix between etcd and the kernel, and real packets.
 *
 * No rule is known that validation lets through and the kernel alone refuses. So one is made where the driver meets the
 * kernel: a program in front of iptables-restore turns what is said about one port into a DNAT, which parses, but which the
 * kernel does not have in the filter table.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Client } from '../../src/datastore/client.ts';
import { configFromEnvironment } from '../../src/datastore/config.ts';
import { connect } from '../../src/datastore/index.ts';
import { Etcd, ready } from './datastore-etcd.ts';
import { enterOwnNamespace, sh } from './own-namespace.ts';

enterOwnNamespace();

const POISONED = 6553;
const POLICIES = 99;
const IPS = { client: '10.65.0.3', good: '10.65.0.1', bad: '10.65.0.2', tolerant: '10.65.0.4' } as const;
type Name = keyof typeof IPS;
const namespaceOf = (name: Name): string => `i-${process.pid}-${name}`;

const etcd = new Etcd();
const programs = mkdtempSync(join(tmpdir(), 'isolation-'));
const poison = join(programs, 'poison');
let client: Client;
let felix: ChildProcess | undefined;

beforeAll(async () => {
  sh('ip link add up0 type bridge; ip link set up0 up; ip route add default dev up0');
  for (const name of Object.keys(IPS) as Name[]) plug(name);
  for (const backend of ['legacy', 'nft']) interpose(`iptables-${backend}-restore`);
  await etcd.start();
  await ready(etcd);
  client = await connect(configFromEnvironment({ ETCD_ENDPOINTS: etcd.endpoint }));
  for (const name of Object.keys(IPS) as Name[]) await createEndpoint(name);
  await create('GlobalNetworkPolicy', 'client', { selector: "name == 'client'", egress: [{ action: 'Allow' }] });
});

afterAll(async () => {
  await client?.store.close();
  await etcd.remove();
  rmSync(programs, { recursive: true });
  for (const name of Object.keys(IPS) as Name[]) sh(`ip netns del ${namespaceOf(name)} || true`);
});

/** Another Felix finds the kernel as it is, but no statuses. */
afterEach(async () => {
  const ended = new Promise((resolve) => felix?.once('exit', resolve));
  felix?.kill('SIGKILL');
  await ended;
  for (const { key } of (await client.store.list('/calico/felix/v2/')).items) await client.store.delete(key);
});

/** A workload as a namespace, with the host as its router. */
function plug(name: Name): void {
  const ns = namespaceOf(name);
  sh(`ip netns add ${ns}; ip link add cali${name} type veth peer name eth0 netns ${ns}; ip link set cali${name} up`);
  sh(`ip -n ${ns} link set lo up; ip -n ${ns} link set eth0 up; ip -n ${ns} addr add ${IPS[name]}/32 dev eth0`);
  sh(`ip -n ${ns} route add 169.254.1.1 dev eth0; ip -n ${ns} route add default via 169.254.1.1`);
}

/** While there is a file `poison`, what is said about the poisoned port is nothing that the kernel takes. */
function interpose(program: string): void {
  const real = sh(`command -v ${program}`).trim();
  const dnat = `/--destination-ports ${POISONED} /s/--jump .*/--jump DNAT --to-destination 10.0.0.1/`;
  writeFileSync(
    join(programs, program),
    `#!/bin/sh\nif [ -e ${poison} ]; then sed -e '${dnat}' | ${real} "$@"; else exec ${real} "$@"; fi\n`,
  );
  chmodSync(join(programs, program), 0o755);
}

async function create(kind: string, name: string, spec: object, metadata: object = {}): Promise<void> {
  const resource = { apiVersion: 'projectcalico.org/v3', kind, metadata: { name, ...metadata }, spec };
  await client.create(resource as Parameters<Client['create']>[0]);
}

const createEndpoint = (name: Name): Promise<void> =>
  create(
    'WorkloadEndpoint',
    `h1-lab-${name}-eth0`,
    {
      node: 'h1',
      orchestrator: 'lab',
      workload: name,
      endpoint: 'eth0',
      interfaceName: `cali${name}`,
      ipNetworks: [`${IPS[name]}/32`],
    },
    { namespace: 'default', labels: { name } },
  );

function start(environment: Record<string, string>): void {
  felix = spawn(process.execPath, ['src/felix/main.ts'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      PATH: `${programs}:${process.env.PATH}`,
      ETCD_ENDPOINTS: etcd.endpoint,
      FELIX_FELIXHOSTNAME: 'h1',
      FELIX_IPV6SUPPORT: 'false',
      FELIX_ENDPOINTREPORTINGENABLED: 'true',
      FELIX_ENDPOINTREPORTINGDELAYSECS: '0',
      FELIX_HEALTHENABLED: 'true',
      FELIX_HEALTHHOST: '127.0.0.1',
      FELIX_LOGSEVERITYSCREEN: 'fatal',
      FELIX_LOGFILEPATH: 'none',
      ...environment,
    },
  });
}

/** What Felix says of an endpoint: `up`, or its problems. */
async function statusOf(name: Name): Promise<string> {
  const { items } = await client.store.list('/calico/felix/v2/');
  const item = items.find(({ key }) => key.includes(`/${name}/`) || key.includes(`%2f${name}/`));
  if (!item) return 'none';
  const { status, problems = [] } = JSON.parse(item.value) as { status: string; problems?: string[] };
  return [status, ...problems].join('\n');
}

/** What Felix says of its parts. */
const health = async (): Promise<string> => (await fetch('http://127.0.0.1:9099/readiness?verbose')).text();

/** What connections from the client get: `open` (nobody listens there, but somebody answers) or `closed`. */
async function connections(name: Name, ports: readonly number[]): Promise<Record<number, string>> {
  const program = `
import socket, sys
for port in map(int, sys.argv[2:]):
    s = socket.socket(); s.settimeout(0.4)
    try: s.connect((sys.argv[1], port)); print(port, 'open')
    except ConnectionRefusedError: print(port, 'open')
    except OSError: print(port, 'closed')`;
  const args = ['netns', 'exec', namespaceOf('client'), 'python3', '-c', program, IPS[name], ...ports.map(String)];
  const { stdout } = await promisify(execFile)('ip', args);
  return Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ')),
  );
}

async function until<T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  const end = Date.now() + 30_000;
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    if (Date.now() > end) throw new Error(`it does not come about: ${JSON.stringify(value)}`);
    await sleep(20);
  }
}

const tcp = (port: number) => ({ action: 'Allow', protocol: 'TCP', destination: { ports: [port] } });
const isError = (status: string): boolean => status.startsWith('error');

describe.each(['legacy', 'nft'])('a rule that only the kernel refuses, in one of 100 policies (%s)', (backend) => {
  beforeAll(async () => {
    for (let i = 0; i < POLICIES; i++)
      await create('GlobalNetworkPolicy', `fine-${i}`, { selector: "name == 'good'", ingress: [tcp(7000 + i)] });
    const ingress = [tcp(7000), tcp(POISONED)];
    await create('GlobalNetworkPolicy', 'poisoned', { selector: "name == 'bad'", ingress });
  });
  afterAll(async () => {
    for (let i = 0; i < POLICIES; i++) await client.delete('GlobalNetworkPolicy', `fine-${i}`);
    await client.delete('GlobalNetworkPolicy', 'poisoned');
  });
  beforeEach(() => writeFileSync(poison, ''));

  test('closes its own endpoint, which is named, and no other; and opens it by itself when it is taken', async () => {
    const began = performance.now();
    start({ FELIX_IPTABLESBACKEND: backend });
    await until(
      () => statusOf('good'),
      (status) => status === 'up',
    );
    console.log(
      `the other ${POLICIES} applied after ${Math.round(performance.now() - began)} ms, Felix's start included`,
    );
    const ports = Array.from({ length: POLICIES }, (_, i) => 7000 + i);
    const expected = Object.fromEntries(ports.map((port) => [port, 'open']));
    expect(await connections('good', [...ports, 8000])).toEqual({ ...expected, 8000: 'closed' });
    expect(await until(() => statusOf('bad'), isError)).toMatch(
      /GlobalNetworkPolicy poisoned, ingress rule 1: refused/,
    );
    expect(await connections('bad', [7000, POISONED])).toEqual({ 7000: 'closed', [POISONED]: 'closed' });
    expect(await health()).toMatch(/^dataplane: live, ready: partly done: filter cali-pi-\S*poisoned: .* refuses/m);
    rmSync(poison);
    await until(
      () => statusOf('bad'),
      (status) => status === 'up',
    );
    await until(health, (text) => text.includes('dataplane: live, ready\n'));
    expect(await connections('bad', [7000, POISONED, 8000])).toEqual({
      7000: 'open',
      [POISONED]: 'open',
      8000: 'closed',
    });
  });

  test('a policy that becomes such a one while Felix runs closes its endpoint, and one that is no longer opens it', async () => {
    rmSync(poison);
    start({ FELIX_IPTABLESBACKEND: backend });
    await until(
      () => statusOf('bad'),
      (status) => status === 'up',
    );
    writeFileSync(poison, '');
    const setRules = async (ingress: object[]) => {
      const stored = await client.get('GlobalNetworkPolicy', 'poisoned');
      await client.update({ ...stored, spec: { ...(stored.spec as object), ingress } } as typeof stored);
    };
    await setRules([tcp(7001), tcp(7000), tcp(POISONED)]);
    const status = await until(() => statusOf('bad'), isError);
    expect(status).toMatch(/GlobalNetworkPolicy poisoned, ingress rule 2: refused/);
    expect(await connections('bad', [7000, 7001])).toEqual({ 7000: 'closed', 7001: 'closed' });
    await setRules([tcp(7001)]);
    await until(
      () => statusOf('bad'),
      (now) => now === 'up',
    );
    expect(await connections('bad', [7000, 7001])).toEqual({ 7000: 'closed', 7001: 'open' });
    expect(await connections('good', [7000])).toEqual({ 7000: 'open' });
  });
});

describe('a set that the kernel takes only in part', () => {
  const nets = Array.from({ length: 200 }, (_, i) => `10.99.${i}.0/24`);

  beforeAll(async () => {
    await create('FelixConfiguration', 'default', { maxIpsetSize: 16 });
    await create('GlobalNetworkSet', 'hostile', { nets }, { labels: { role: 'hostile' } });
    const hostile = { selector: "role == 'hostile'" };
    const deny = [{ action: 'Deny', source: hostile }, tcp(7000)];
    await create('GlobalNetworkPolicy', 'deny', { selector: "name == 'bad'", ingress: deny });
    const allow = [{ action: 'Allow', source: hostile }, tcp(7000)];
    await create('GlobalNetworkPolicy', 'allow', { selector: "name == 'tolerant'", ingress: allow });
    await create('GlobalNetworkPolicy', 'fine', { selector: "name == 'good'", ingress: [tcp(7000)] });
  });

  test('closes a Deny that names it, not an Allow; both are named; with room for it all is well', async () => {
    start({ FELIX_IPTABLESBACKEND: 'legacy' });
    const full = /rule 0: set cali40s:\S+: cannot add .*HASH_FULL/;
    expect(await until(() => statusOf('bad'), isError)).toMatch(/GlobalNetworkPolicy deny, ingress/);
    expect(await statusOf('bad')).toMatch(full);
    expect(await until(() => statusOf('tolerant'), isError)).toMatch(/GlobalNetworkPolicy allow, ingress/);
    expect(await statusOf('good')).toBe('up');
    expect(await connections('bad', [7000])).toEqual({ 7000: 'closed' });
    expect(await connections('tolerant', [7000, 8000])).toEqual({ 7000: 'open', 8000: 'closed' });
    expect(await connections('good', [7000])).toEqual({ 7000: 'open' });

    const stored = await client.get('FelixConfiguration', 'default');
    await client.update({ ...stored, spec: { maxIpsetSize: 1000 } } as typeof stored);
    for (const name of ['bad', 'tolerant'] as const)
      await until(
        () => statusOf(name),
        (status) => status === 'up',
      );
    expect(await connections('bad', [7000, 8000])).toEqual({ 7000: 'open', 8000: 'closed' });
  });

  test('a set that grows too big later closes what it could open then', async () => {
    const resize = async (count: number) => {
      const stored = await client.get('GlobalNetworkSet', 'hostile');
      await client.update({ ...stored, spec: { nets: nets.slice(0, count) } } as typeof stored);
    };
    const configuration = await client.get('FelixConfiguration', 'default');
    await client.update({ ...configuration, spec: { maxIpsetSize: 16 } } as typeof configuration);
    await resize(2);
    start({ FELIX_IPTABLESBACKEND: 'legacy' });
    await until(
      () => statusOf('bad'),
      (status) => status === 'up',
    );
    expect(await connections('bad', [7000])).toEqual({ 7000: 'open' });
    await resize(200);
    await until(() => statusOf('bad'), isError);
    expect(await connections('bad', [7000])).toEqual({ 7000: 'closed' });
    expect(await connections('tolerant', [7000])).toEqual({ 7000: 'open' });
    await resize(2);
    await until(
      () => statusOf('bad'),
      (status) => status === 'up',
    );
    expect(await connections('bad', [7000])).toEqual({ 7000: 'open' });
  });
});
