import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Ipam } from '../../ipam/index.ts';
import { ip } from '../../net/index.ts';
import type { Terminal } from '../testing/terminal.ts';
import { cluster, give, given, use } from './testing.ts';

const scratch = mkdtempSync(join(tmpdir(), 'ipam-release-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const file = join(scratch, 'report.json');

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
