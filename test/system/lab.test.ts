/** The lab as a newcomer uses it: by its commands, and with whatever goes wrong on the way. */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Matrix, Pair } from '../../src/lab/matrix.ts';
import { processesIn } from '../../src/lab/processes.ts';
import type { LabStatus } from '../../src/lab/status.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CALICO = `${ROOT}bin/calico`;
const ENV = { ...process.env, DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: 'unix:///run/calico-lab/etcd.sock' };

interface Result {
  status: number;
  out: string;
  err: string;
}

/** Whatever its exit status. From another directory, because it must not matter. */
function call(program: string, ...words: string[]): Promise<Result> {
  return new Promise((resolve) => {
    execFile(program, words, { cwd: '/', env: ENV, maxBuffer: 1e8 }, (error, out, err) => {
      resolve({ status: error ? Number(error.code ?? 1) : 0, out, err });
    });
  });
}

const lab = (...words: string[]) => call(CALICO, 'lab', ...words);
const calicoctl = (...words: string[]) => call(`${ROOT}bin/calicoctl`, ...words);

async function matrix(): Promise<Matrix> {
  return JSON.parse((await lab('matrix', '-o', 'json', '--timeout', '1500')).out) as Matrix;
}

async function eventually(assertion: () => Promise<void>, patience = 20_000): Promise<void> {
  for (const end = Date.now() + patience; ; await sleep(100)) {
    try {
      return await assertion();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}

/** What a lab could leave behind. */
function traces(): Record<string, string[]> {
  const list = (directory: string) => {
    try {
      return readdirSync(directory);
    } catch {
      return [];
    }
  };
  const processes = list('/proc').filter((entry) => /^\d+$/.test(entry));
  const commands = processes.map((pid) => {
    try {
      const read = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8').replaceAll('\0', ' ');
      return `${read('cmdline')}| ${read('environ')}`;
    } catch {
      return '';
    }
  });
  return {
    namespaces: list('/run/netns').filter((name) => name.startsWith('calico-')),
    // Felix's own /run/calico is whoever's that ran a Felix here; the lab's hosts have theirs to themselves.
    files: list('/run').filter((name) => name.startsWith('calico-')),
    mounts: readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes('calico')),
    processes: commands.filter((command) => /calico-(lab|net)|ETCD_ENDPOINTS=http:..172\.30\.0\.1:/.test(command)),
  };
}

/** Processes that run this program in this namespace. */
function running(namespace: string, program: string): number[] {
  const pids = processesIn([namespace]).get(namespace) ?? [];
  return pids.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`dist/${program}.js`));
}

const NOTHING = { namespaces: [], files: [], mounts: [], processes: [] };

beforeAll(() => lab('down'));
afterAll(() => lab('down'));

describe('a lab of three hosts', () => {
  beforeAll(async () => {
    const { status, err } = await lab('up');
    expect(err).toMatch(/up in/);
    expect(status).toBe(0);
  });

  it('every program runs, and every BGP session is up', async () => {
    await eventually(async () => {
      const status = JSON.parse((await lab('status', '-o', 'json')).out) as LabStatus;
      expect(status.etcd).toBe(true);
      expect(status.hosts.map(({ name, felix }) => [name, felix])).toEqual([
        ['host1', true],
        ['host2', true],
        ['host3', true],
      ]);
      for (const { bgp } of status.hosts) expect(bgp?.established).toBe(bgp?.sessions);
      expect(status.hosts.map(({ bgp }) => bgp?.sessions)).toEqual([6, 4, 4]);
      expect(status.router).toEqual({ established: 2, sessions: 2 });
    });
  });

  it('everyone reaches everyone, but workloads not their own host', async () => {
    // `up` asks from a few places only: of the rest something may be a moment late.
    await eventually(async () => {
      const { pairs, endpoints } = await matrix();
      expect(endpoints).toHaveLength(10);
      expect(pairs).toHaveLength(90);
      for (const { from, to, ipv4, ipv6 } of pairs) {
        const expected = !(from.startsWith('w') && to === `host${from[1]}`);
        expect({ from, to, ipv4, ipv6 }).toEqual({ from, to, ipv4: expected, ipv6: expected });
      }
    });
  });

  it('the programs are each in the namespace of their host, and nothing is in ours', () => {
    const own = readlinkSync('/proc/self/ns/net');
    const here = readdirSync('/proc').filter((pid) => {
      try {
        return (
          /^\d+$/.test(pid) &&
          readlinkSync(`/proc/${pid}/ns/net`) === own &&
          /calico-lab|dist\/calico-/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
        );
      } catch {
        return false;
      }
    });
    expect(here).toEqual([]);
  });

  it('a policy is in force on all hosts, and the matrix marks what it changed', async () => {
    const before = await matrix();
    expect(await calicoctl('apply', '-f', `${ROOT}examples/db-from-web.yaml`)).toMatchObject({ status: 0 });
    const app = (name: string) => (/^w\d-1$/.test(name) ? 'web' : /^w\d-2$/.test(name) ? 'db' : 'none');
    // A host reaches its own workloads whatever the policy.
    const denied = ({ from, to }: Pair) => app(to) === 'db' && app(from) !== 'web' && from !== `host${to[1]}`;
    await eventually(async () => {
      const { pairs } = await matrix();
      const changed = pairs.filter((pair, index) => JSON.stringify(pair) !== JSON.stringify(before.pairs[index]));
      expect(changed.map(({ from, to }) => `${from} ${to}`)).toEqual(
        before.pairs.filter(denied).map(({ from, to }) => `${from} ${to}`),
      );
      for (const pair of changed) expect(pair).toMatchObject({ ipv4: false, ipv6: false });
    });
    expect(await calicoctl('delete', 'networkpolicy', 'db-from-web')).toMatchObject({ status: 0 });
    await eventually(async () => {
      const { out } = await lab('matrix');
      expect(out).toContain('[✓]');
      expect(out).toMatch(/84 of 90 pairs reach each other on TCP port 80, 15 changed/);
    });
  });

  it('commands on hosts and in workloads, and their exit status', async () => {
    expect((await lab('exec', 'w1-1', '--', 'ip', '-o', 'addr', 'show', 'eth0')).out).toMatch(/inet 10\.65\./);
    expect((await lab('exec', 'host2', '--', 'sh', '-c', 'echo $NODENAME; ls /run/calico')).out).toMatch(
      /^host2\nbird/,
    );
    expect((await lab('exec', 'host1', '--', 'sh', '-c', 'exit 7')).status).toBe(7);
    expect(await lab('exec', 'nobody', '--', 'true')).toMatchObject({
      status: 1,
      err: expect.stringMatching(/^E_NOT_FOUND nobody/),
    });
    expect((await lab('logs', 'host1')).out).toContain('bird started');
  });

  it('programs that are killed start again', async () => {
    for (const program of ['calico-felix', 'calico-bgp']) {
      const [pid] = running('calico-host1', program);
      expect(pid).toBeGreaterThan(1);
      process.kill(pid as number, 'SIGKILL');
      await eventually(async () => {
        const now = running('calico-host1', program);
        expect(now).toHaveLength(1);
        expect(now).not.toContain(pid);
      });
    }
    await eventually(async () => {
      const { pairs } = await matrix();
      expect(pairs.filter(({ ipv4, ipv6 }) => !ipv4 || !ipv6)).toHaveLength(6);
    });
  });

  it('a second `up` is as good as the first, and `down` leaves nothing', async () => {
    expect(await lab('up', '--hosts', '1', '--workloads', '1')).toMatchObject({ status: 0 });
    expect((await matrix()).endpoints).toEqual(['w1-1', 'host1', 'router']);
    expect(await lab('down')).toMatchObject({ status: 0 });
    expect(traces()).toEqual(NOTHING);
    expect(await lab('matrix')).toMatchObject({ status: 1, err: expect.stringMatching(/^E_NOT_FOUND lab: is not up/) });
  });
});

describe('an `up` that is interrupted', () => {
  it.each([
    ['SIGKILL', 120],
    ['SIGKILL', 250],
    ['SIGKILL', 450],
    ['SIGKILL', 900],
    ['SIGINT', 350],
    ['SIGTERM', 700],
  ] as const)('by %s after %i ms: `down` leaves nothing', async (signal, delay) => {
    const up = spawn(CALICO, ['lab', 'up'], { cwd: '/', stdio: 'ignore' });
    const ended = new Promise((resolve) => up.once('exit', resolve));
    await sleep(delay);
    up.kill(signal);
    await ended;
    expect(await lab('down')).toMatchObject({ status: 0 });
    await sleep(200); // for whoever would come too late
    expect(traces()).toEqual(NOTHING);
  });

  it('`down` ends an `up` that is running', async () => {
    const up = spawn(CALICO, ['lab', 'up'], { cwd: '/', stdio: 'ignore' });
    const ended = new Promise((resolve) => up.once('exit', resolve));
    await eventually(async () => expect(traces().files).toEqual(['calico-lab']));
    await sleep(100);
    expect(await lab('down')).toMatchObject({ status: 0 });
    await ended;
    expect(traces()).toEqual(NOTHING);
  });
});

describe('a topology of one’s own', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lab-'));
  const file = join(directory, 'topology.yaml');
  afterEach(() => lab('down'));
  afterAll(() => rmSync(directory, { recursive: true }));

  it('names, labels, pools and no router', async () => {
    writeFileSync(
      file,
      `hosts:
  alpha:
    labels: {rack: r1}
    workloads:
      front: {labels: {app: web}}
      a-name-that-fits-no-link:
  beta: {workloads: 1}
  gamma: {workloads: 0}
pools:
  - {cidr: 10.99.0.0/24, blockSize: 28}
router: null
`,
    );
    const { status, err } = await lab('up', '-f', file);
    expect(err).toContain('up in');
    expect(status).toBe(0);
    const { endpoints, pairs } = await matrix();
    expect(endpoints).toEqual(['front', 'a-name-that-fits-no-link', 'w2-1', 'alpha', 'beta', 'gamma']);
    expect(pairs.find(({ from, to }) => from === 'front' && to === 'w2-1')).toEqual({
      from: 'front',
      to: 'w2-1',
      ipv4: true,
    });
    const { out } = await calicoctl('get', 'workloadendpoints', '-o', 'json');
    const items = (JSON.parse(out) as { items: { metadata: { labels: object }; spec: { ipNetworks: string[] } }[] })
      .items;
    expect(items.map(({ metadata }) => metadata.labels)).toContainEqual(
      expect.objectContaining({ app: 'web', host: 'alpha' }),
    );
    for (const { spec } of items) expect(spec.ipNetworks).toEqual([expect.stringMatching(/^10\.99\.0\.\d+\/32$/)]);
  });

  it.each([
    ['hosts: {a: {workloads: 1', 'E_FILE'],
    ['hosts: {}', 'E_INVALID'],
    ['hosts: {a: {wrokloads: 1}}', 'E_INVALID'],
    ['hosts: {a: {workloads: {a: {}}}}', 'E_INVALID'],
    ['hosts: {a: {}}\npools: [{cidr: 10.0.0.0/99}]', 'E_INVALID'],
    ['hosts: {a: {}}\nrouter: {peers: [b]}', 'E_INVALID'],
  ])('%j is refused with one line, and nothing is built', async (text, code) => {
    writeFileSync(file, text);
    const { status, err } = await lab('up', '-f', file);
    expect(err).toMatch(new RegExp(`^${code} ${file}: [^\\n]+\\n$`));
    expect(status).toBe(1);
    expect(traces()).toEqual(NOTHING);
  });
});
