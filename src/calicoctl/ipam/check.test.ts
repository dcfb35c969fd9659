import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Ipam } from '../../ipam/index.ts';
import { ip } from '../../net/index.ts';
import type { Terminal } from '../testing/terminal.ts';
import { cluster, give, putResource, use } from './testing.ts';

const scratch = mkdtempSync(join(tmpdir(), 'ipam-check-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const file = join(scratch, 'report.json');

async function given(calicoctl: Terminal, address: string): Promise<boolean> {
  const { out } = await calicoctl.call(['ipam', 'show', `--ip=${address}`]);
  return out.includes('is in use');
}

describe('ipam check', () => {
  test('counts what upstream counts, and shows addresses where it is asked to', async () => {
    const calicoctl = await cluster();
    const { exit, out } = await calicoctl.call(['ipam', 'check', '--show-problem-ips']);
    expect(exit).toBe(0);
    expect(out).toContain('Found 1 IPAM blocks.\n IPAM block 10.0.0.0/29 affinity=host:n1:\n');
    expect(out).toContain('IPAM blocks record 2 allocations.\n');
    expect(out).toContain('Workloads and nodes are using 1 IPs.\n');
    expect(out).toContain('  10.0.0.2 leaked; attrs Main:handle-leaked Extra:namespace=d,node=n1,pod=leaked\n');
    expect(out).toContain('Found 1 IPs that are allocated in IPAM but not actually in use.\n');
    expect(out).toMatch(/Check complete; found 1 problems\.\n$/);
    expect(out).not.toContain('10.0.0.1 ');
    expect((await calicoctl.call(['ipam', 'check'])).out).not.toContain('10.0.0.2 ');
    expect((await calicoctl.call(['ipam', 'check', '--show-all-ips'])).out).toContain(
      '  10.0.0.1 belongs to Workload(d/n1-k8s-alive-eth0)\n',
    );
  });

  test('finds addresses that are used and not given, used twice, or of no pool', async () => {
    const calicoctl = await cluster();
    await use(calicoctl, '10.0.0.7', 'thief');
    await use(calicoctl, '10.9.0.1', 'foreign');
    await use(calicoctl, '10.0.0.1', 'double', 'n2');
    const { out } = await calicoctl.call(['ipam', 'check', '--show-problem-ips']);
    expect(out).toContain('  10.0.0.7 in use by Workload(d/n1-k8s-thief-eth0) and in active IPAM pool but has no');
    expect(out).toContain('  10.9.0.1 in use by Workload(d/n1-k8s-foreign-eth0) is not in any active IP pool.\n');
    expect(out).toContain('  10.0.0.1 has multiple owners: ');
    expect(out).toContain('Check complete; found 4 problems.\n');
  });

  test('what Windows keeps for itself is no leak', async () => {
    const calicoctl = await cluster();
    const host = { host: 'n1', handle: 'windows-reserved-ipam-handle' };
    await new Ipam(calicoctl.store).assign(ip('10.0.0.0'), host);
    expect((await calicoctl.call(['ipam', 'check'])).out).toContain('Check complete; found 1 problems.\n');
  });

  test('an empty datastore has no problems', async () => {
    const { terminal } = await import('../testing/terminal.ts');
    const { exit, out } = await terminal().call(['ipam', 'check']);
    expect([exit, out.split('\n').at(-2)]).toEqual([0, 'Check complete; found 0 problems.']);
  });

  test.each([[['--plan']], [['--fix', '--limit=many']], [['--wait=soon']], [['--bogus']]])(
    'refuses %j',
    async (args) => {
      expect(await (await cluster()).call(['ipam', 'check', ...args])).toMatchObject({
        exit: 1,
        out: expect.stringMatching(/^E_USAGE /),
      });
    },
  );
});

describe('ipam check --fix', () => {
  const fix = (...args: string[]) => ['ipam', 'check', '--fix', '--wait=0', ...args];

  test('--plan says what would be released, and why, and releases nothing', async () => {
    const calicoctl = await cluster();
    const { exit, out } = await calicoctl.call(fix('--plan'));
    expect(exit).toBe(0);
    expect(out).toContain('To be released: 1 addresses; other repairs: 0.\n');
    expect(out).toMatch(/ {2}release 10\.0\.0\.2 \(Main:handle-leaked .*\): no endpoint of d\/leaked has it\n/);
    expect(await given(calicoctl, '10.0.0.2')).toBe(true);
  });

  test('releases what is not used, and nothing else', async () => {
    const calicoctl = await cluster();
    const { exit, out } = await calicoctl.call(fix());
    expect(exit).toBe(0);
    expect(out).toContain('Done: release 10.0.0.2 ');
    expect(await given(calicoctl, '10.0.0.1')).toBe(true);
    expect(await given(calicoctl, '10.0.0.2')).toBe(false);
  });

  test('refuses beyond the limit, with the plan and without a write', async () => {
    const calicoctl = await cluster();
    for (let i = 16; i < 32; i++) await give(calicoctl, `10.0.0.${i}`, `leaked-${i}`);
    for (const args of [fix('--plan'), fix()]) {
      const { exit, out } = await calicoctl.call(args);
      expect(exit).toBe(1);
      expect(out).toContain('To be released: 17 addresses');
      expect(out).toMatch(/\nE_REFUSED .*17 of 18 addresses/);
    }
    expect(await given(calicoctl, '10.0.0.31')).toBe(true);
    expect((await calicoctl.call(fix('--limit=17'))).exit).toBe(0);
    expect(await given(calicoctl, '10.0.0.31')).toBe(false);
  });

  test('leaves what may be kept by hand, unless it is told not to', async () => {
    const calicoctl = await cluster();
    await new Ipam(calicoctl.store).assign(ip('10.0.0.3'), { host: 'n1' });
    expect((await calicoctl.call(fix())).out).toMatch(/Left as they are: 1\.\n {2}10\.0\.0\.3 leaked; .*by hand/);
    expect(await given(calicoctl, '10.0.0.3')).toBe(true);
    await calicoctl.call(fix('--unsure'));
    expect(await given(calicoctl, '10.0.0.3')).toBe(false);
  });
});

describe('ipam release --from-report', () => {
  const release = (...args: string[]) => ['ipam', 'release', `--from-report=${file}`, ...args];

  async function reported(): Promise<Terminal> {
    const calicoctl = await cluster();
    expect(await calicoctl.call(['ipam', 'check', '-o', file])).toMatchObject({ exit: 0 });
    return calicoctl;
  }

  test('the report is as upstream writes it', async () => {
    const calicoctl = await reported();
    const cluster = await calicoctl.call(['get', 'clusterinformation', 'default', '-o', 'json']);
    const { metadata, spec } = JSON.parse(cluster.out);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      version: expect.any(String),
      clusterGUID: spec.clusterGUID,
      datastoreLocked: true,
      clusterInformationRevision: metadata.resourceVersion,
      clusterType: '',
      allocations: {
        '10.0.0.1': [
          {
            ip: '10.0.0.1',
            handle: 'handle-alive',
            pod: 'alive',
            namespace: 'd',
            node: 'n1',
            inUse: true,
            owners: ['Workload(d/n1-k8s-alive-eth0)'],
          },
        ],
        '10.0.0.2': [
          {
            ip: '10.0.0.2',
            handle: 'handle-leaked',
            pod: 'leaked',
            namespace: 'd',
            node: 'n1',
            inUse: false,
            owners: null,
          },
        ],
      },
    });
  });

  test('releases what nobody uses', async () => {
    const calicoctl = await reported();
    expect(await calicoctl.call(release())).toEqual({
      exit: 0,
      out: 'Releasing 1 old IPs\nReleased 1 IPs successfully\nYou may now unlock the data store.\n',
    });
    expect(await given(calicoctl, '10.0.0.1')).toBe(true);
    expect(await given(calicoctl, '10.0.0.2')).toBe(false);
    expect((await calicoctl.call(release())).out).toContain('10.0.0.2 is not released: it is not allocated any more\n');
  });

  test('what is used by now, or is given to another, stays', async () => {
    const used = await reported();
    await use(used, '10.0.0.2', 'leaked');
    expect((await used.call(release())).out).toContain('10.0.0.2 is not released: it is in use by d/');
    expect(await given(used, '10.0.0.2')).toBe(true);

    const regiven = await reported();
    await new Ipam(regiven.store).release([ip('10.0.0.2')]);
    await give(regiven, '10.0.0.2', 'another');
    expect((await regiven.call(release())).out).toContain('10.0.0.2 is not released: has been given to ');
    expect(await given(regiven, '10.0.0.2')).toBe(true);
  });

  test('all addresses at once only by force: who sees no endpoint at all would release every one', async () => {
    const calicoctl = await reported();
    const report = JSON.parse(readFileSync(file, 'utf8'));
    delete report.allocations['10.0.0.1'];
    writeFileSync(file, JSON.stringify(report));
    expect(await calicoctl.call(release())).toMatchObject({ exit: 1, out: expect.stringMatching(/^E_REFUSED /) });
    expect(await given(calicoctl, '10.0.0.2')).toBe(true);
    expect((await calicoctl.call(release('--force'))).exit).toBe(0);
  });

  test('handles that stand for nothing go', async () => {
    const calicoctl = await cluster();
    const handle = '/calico/ipam/v2/handle/idle';
    await calicoctl.store.put(handle, '{"block":{"10.0.0.0/29":1},"deleted":false}');
    await calicoctl.call(['ipam', 'check', '-o', file]);
    expect((await calicoctl.call(release())).out).toContain('Released 1 handles\n');
    expect(await calicoctl.store.get(handle)).toBeNull();
  });

  test('a report of before an unlock, of an unlocked datastore, of another cluster or program', async () => {
    const calicoctl = await reported();
    await calicoctl.call(['datastore', 'migrate', 'unlock']);
    expect(await calicoctl.call(release('--force'))).toMatchObject({ exit: 1, out: expect.stringContaining('stale') });
    await calicoctl.call(['ipam', 'check', '-o', file]);
    expect(await calicoctl.call(release())).toMatchObject({ exit: 1, out: expect.stringMatching(/^E_NOT_LOCKED /) });
    const report = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...report, version: 'v3.20.0' }));
    expect((await calicoctl.call(release('--force'))).exit).toBe(0);
    writeFileSync(file, JSON.stringify({ ...report, clusterGUID: 'other' }));
    expect(await calicoctl.call(release('--force'))).toMatchObject({
      exit: 1,
      out: expect.stringContaining('another'),
    });
  });

  test.each(['', '{}', '[]', '{"clusterGUID":"x","allocations":{"a":[{}]}}'])('%j is no report', async (text) => {
    const calicoctl = await cluster();
    writeFileSync(file, text);
    expect(await calicoctl.call(release())).toMatchObject({ exit: 1, out: expect.stringMatching(/^E_FILE /) });
  });
});

describe('ipam release --ip', () => {
  test('once', async () => {
    const calicoctl = await cluster();
    expect(await calicoctl.call(['ipam', 'release', '--ip=10.0.0.2'])).toEqual({
      exit: 0,
      out: 'Successfully released IP address 10.0.0.2\n',
    });
    expect(await calicoctl.store.get('/calico/ipam/v2/handle/handle-leaked')).toBeNull();
    expect(await calicoctl.call(['ipam', 'release', '--ip=10.0.0.2'])).toMatchObject({
      exit: 1,
      out: expect.stringMatching(/^E_NOT_FOUND 10\.0\.0\.2: the address is not assigned\n$/),
    });
  });

  test.each([[[]], [['--ip=bad']], [['--ip=10.0.0.2', '--from-report=x']], [['10.0.0.2']]])(
    'refuses %j',
    async (args) => {
      expect(await (await cluster()).call(['ipam', 'release', ...args])).toMatchObject({
        exit: 1,
        out: expect.stringMatching(/^E_USAGE /),
      });
    },
  );
});

describe('ipam migrate', () => {
  async function twoPools(): Promise<Terminal> {
    const calicoctl = await cluster();
    await putResource(calicoctl, 'ippools/q', { kind: 'IPPool', spec: { cidr: '10.1.0.0/24', blockSize: 29 } });
    return calicoctl;
  }

  test('--plan names every workload, and does nothing', async () => {
    const calicoctl = await twoPools();
    const { exit, out } = await calicoctl.call(['ipam', 'migrate', 'p', 'q', '--plan']);
    expect(exit).toBe(0);
    expect(out).toContain('  1. disable p: nothing new is given of it (now)\n');
    expect(out).toContain('make the workload d/n1-k8s-alive-eth0 on n1 anew: it has 10.0.0.1\n');
    expect(out).toContain('look into 10.0.0.2, which nobody seems to use');
    expect((await calicoctl.call(['get', 'ippool', 'p', '-o', 'yaml'])).out).not.toContain('disabled: true');
  });

  test('goes on where it stands, to the end', async () => {
    const calicoctl = await twoPools();
    expect((await calicoctl.call(['ipam', 'migrate', 'p', 'q'])).out).toContain('Done: disable p');
    expect((await calicoctl.call(['get', 'ippool', 'p', '-o', 'yaml'])).out).toContain('disabled: true');
    await new Ipam(calicoctl.store).release([ip('10.0.0.1'), ip('10.0.0.2')]);
    expect((await calicoctl.call(['ipam', 'migrate', 'p', 'q'])).out).toContain('Done: delete p');
    expect((await calicoctl.call(['get', 'ippool', 'p'])).exit).toBe(1);
    expect((await calicoctl.store.list('/calico/ipam/v2/')).items).toEqual([]);
  });

  test.each([
    [['p', 'none'], 'E_NOT_FOUND'],
    [['p', 'p'], 'E_REFUSED'],
    [['p'], 'E_USAGE'],
  ])('%j: %s', async (args, code) => {
    const { exit, out } = await (await twoPools()).call(['ipam', 'migrate', ...args]);
    expect([exit, out.trim().split('\n').at(-1)?.split(' ')[0]]).toEqual([1, code]);
  });
});
