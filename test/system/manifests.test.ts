/**
 * A host that is protected by a directory of manifests, without etcd: what its files say is in force, changes of them and
 * calicoctl's take effect, and a file that cannot be read neither opens the host nor closes what was open.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Supervised } from '../scenario/supervised.ts';

const [HOST, CLIENT] = [`k${process.pid}-h`, `k${process.pid}-c`];
const work = mkdtempSync(join(tmpdir(), 'k-manifests-'));
const manifests = mkdtempSync(join(work, 'manifests-'));
const environment = { DATASTORE_TYPE: 'files', CALICO_MANIFESTS: manifests };
const log = join(work, 'felix.log');
const PORTS = [80, 5000, 6000];
const servers: ChildProcess[] = [];

const felix = new Supervised(
  HOST,
  resolve('bin/calico-felix'),
  {
    ...environment,
    FELIX_DATASTORETYPE: 'files',
    FELIX_FELIXHOSTNAME: 'h1',
    FELIX_LOGSEVERITYSCREEN: 'info',
    FELIX_LOGFILEPATH: 'none',
    FELIX_IPTABLESBACKEND: 'legacy',
    FELIX_IPV6SUPPORT: 'false',
    FELIX_FAILSAFEINBOUNDHOSTPORTS: 'none',
  },
  log,
);

const sh = (command: string) => execFileSync('sh', ['-ec', command], { encoding: 'utf8' });
const write = (file: string, text: string) => writeFileSync(join(manifests, file), text);
const HOST_ENDPOINT = `apiVersion: projectcalico.org/v3
kind: HostEndpoint
metadata: {name: h1-eth0, labels: {role: web}}
spec: {node: h1, interfaceName: eth0}
`;
const policy = (name: string, ...ports: number[]) => `apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: ${name}}
spec:
  selector: role == 'web'
  ingress:
  - {action: Allow, protocol: TCP, destination: {ports: [${ports}]}}
`;

/** Which of the ports answer. */
function open(): number[] {
  const program = `
    const net = require('node:net');
    for (const port of ${JSON.stringify(PORTS)}) {
      const socket = net.connect(port, '10.98.7.1', () => { console.log(port); socket.destroy(); });
      socket.on('error', () => {});
    }
    setTimeout(() => process.exit(), 700);`;
  const { stdout } = spawnSync('ip', ['netns', 'exec', CLIENT, process.execPath, '-e', program], { encoding: 'utf8' });
  return stdout
    .trim()
    .split('\n')
    .filter(Boolean)
    .map(Number)
    .sort((a, b) => a - b);
}

const becomes = (ports: number[]) => expect.poll(open, { timeout: 30_000, interval: 200 }).toEqual(ports);

function calicoctl(args: string[], input = ''): string {
  return execFileSync(resolve('bin/calicoctl'), args, {
    env: { ...process.env, ...environment },
    input,
    encoding: 'utf8',
  });
}

beforeAll(() => {
  sh(`ip netns add ${HOST}; ip netns add ${CLIENT}
    ip -n ${HOST} link add eth0 type veth peer name eth0 netns ${CLIENT}
    for n in ${HOST} ${CLIENT}; do ip -n $n link set lo up; ip -n $n link set eth0 up; done
    ip -n ${HOST} address add 10.98.7.1/24 dev eth0; ip -n ${CLIENT} address add 10.98.7.2/24 dev eth0`);
  const program = `for (const port of ${JSON.stringify(PORTS)}) require('node:net').createServer((s) => s.end()).listen(port)`;
  servers.push(spawn('ip', ['netns', 'exec', HOST, process.execPath, '-e', program], { stdio: 'ignore' }));
});

afterAll(async () => {
  await felix.stop();
  for (const server of servers) server.kill();
  sh(`ip netns del ${HOST}; ip netns del ${CLIENT}`);
  rmSync(work, { recursive: true });
});

test('the host has what its files allow, and nothing else', async () => {
  await becomes(PORTS);
  write('host.yaml', HOST_ENDPOINT);
  write('web.yaml', policy('web', 80));
  felix.start();
  await becomes([80]);
});

test('a changed file takes effect, and a new one', async () => {
  write('web.yaml', policy('web', 80, 5000));
  await becomes([80, 5000]);
});

test('calicoctl reads and writes the files', async () => {
  expect(calicoctl(['get', 'gnp'])).toContain('web');
  calicoctl(['apply', '-f', '-'], policy('more', 6000));
  expect(readdirSync(manifests)).toContain('globalnetworkpolicies.default.more.yaml');
  await becomes([80, 5000, 6000]);
  calicoctl(['delete', 'gnp', 'more']);
  await becomes([80, 5000]);
});

test('a file that is no YAML any more changes nothing, and is told', async () => {
  write('web.yaml', `${policy('web', 80)}  - : {`);
  await expect.poll(() => readFileSync(log, 'utf8'), { timeout: 10_000 }).toMatch(/web\.yaml:\d+/);
  expect(open()).toEqual([80, 5000]);
});

test('at start such a file opens nothing', async () => {
  await felix.stop();
  felix.start();
  await becomes([]);
  write('web.yaml', policy('web', 80));
  await becomes([80]);
});
