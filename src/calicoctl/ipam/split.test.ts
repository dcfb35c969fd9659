import { describe, expect, test } from 'vitest';
import { type Terminal, terminal } from '../testing/terminal.ts';

const POOL = `apiVersion: projectcalico.org/v3
kind: IPPool
metadata: {name: NAME, labels: {a: b}}
spec: {cidr: CIDR, blockSize: SIZE, natOutgoing: true, nodeSelector: has(x)}
`;

async function withPool(cidr: string, blockSize: number, name = 'p'): Promise<Terminal> {
  const calicoctl = terminal();
  const pool = POOL.replace('CIDR', cidr).replace('SIZE', String(blockSize)).replace('NAME', name);
  expect(await calicoctl.call(['create', '-f', '-'], pool)).toMatchObject({ exit: 0 });
  expect(await calicoctl.call(['datastore', 'migrate', 'lock'])).toMatchObject({ exit: 0 });
  return calicoctl;
}

async function cidrs(calicoctl: Terminal): Promise<string[]> {
  const { out } = await calicoctl.call(['get', 'ippools', '-o', 'custom-columns=NAME,CIDR']);
  return out
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().replace(/\s+/, ' '));
}

test('a pool becomes pools of equal size, which keep its settings', async () => {
  const calicoctl = await withPool('10.0.0.0/24', 28);
  const { exit, out } = await calicoctl.call(['ipam', 'split', '4', '--name=p']);
  expect(exit).toBe(0);
  expect(out).toContain('Created split-p-3 with CIDR 10.0.0.192/26.\n');
  expect(await cidrs(calicoctl)).toEqual([0, 64, 128, 192].map((start, i) => `split-p-${i} 10.0.0.${start}/26`));
  const yaml = (await calicoctl.call(['get', 'ippool', 'split-p-1', '-o', 'yaml'])).out;
  expect(yaml).toMatch(/blockSize: 28\n[\s\S]*natOutgoing: true\n {2}nodeSelector: has\(x\)/);
  expect(yaml).toMatch(/labels:\n {4}a: b/);
});

test('more pools than etcd writes at once', async () => {
  const calicoctl = await withPool('fd00::/64', 122);
  expect((await calicoctl.call(['ipam', 'split', '256', '--cidr=fd00:0::/64'])).exit).toBe(0);
  const pools = await cidrs(calicoctl);
  expect(pools).toHaveLength(256);
  expect(new Set(pools.map((line) => line.split(' ')[1]))).toContain('fd00::ff00:0:0:0/72');
});

test('a long name is cut, not refused', async () => {
  const calicoctl = await withPool('10.0.0.0/24', 28, 'a'.repeat(250));
  expect((await calicoctl.call(['ipam', 'split', '2', '--cidr=10.0.0.0/24'])).exit).toBe(0);
  expect(await cidrs(calicoctl)).toHaveLength(2);
});

describe('refused, and nothing is changed', () => {
  test.each([
    ['no pool named', ['2'], 'E_USAGE'],
    ['not a number', ['two', '--name=p'], 'E_USAGE'],
    ['no power of 2', ['3', '--name=p'], 'E_USAGE'],
    ['into one', ['1', '--name=p'], 'E_USAGE'],
    ['into none', ['0', '--name=p'], 'E_USAGE'],
    ['no number', ['--name=p'], 'E_USAGE'],
    ['not a prefix', ['2', '--cidr=nonsense'], 'E_USAGE'],
    ['another name', ['2', '--name=q'], 'E_NOT_FOUND'],
    ['another prefix', ['2', '--cidr=10.0.0.0/25'], 'E_NOT_FOUND'],
    ["another pool's prefix", ['2', '--name=p', '--cidr=10.1.0.0/24'], 'E_NOT_FOUND'],
    ['smaller than a block', ['32', '--name=p'], 'E_INVALID'],
  ])('%s', async (_, args, code) => {
    const calicoctl = await withPool('10.0.0.0/24', 28);
    const { exit, out } = await calicoctl.call(['ipam', 'split', ...args]);
    expect([exit, out.split(' ')[0]]).toEqual([1, code]);
    expect(await cidrs(calicoctl)).toEqual(['p 10.0.0.0/24']);
  });

  test('a datastore that is not locked', async () => {
    const calicoctl = await withPool('10.0.0.0/24', 28);
    await calicoctl.call(['datastore', 'migrate', 'unlock']);
    const { exit, out } = await calicoctl.call(['ipam', 'split', '2', '--name=p']);
    expect([exit, out.split(' ')[0]]).toEqual([1, 'E_NOT_LOCKED']);
  });

  test('a pool that has one of the new names', async () => {
    const calicoctl = await withPool('10.0.0.0/24', 28);
    await calicoctl.call(
      ['create', '-f', '-'],
      POOL.replace('NAME', 'split-p-1').replace('CIDR', '10.1.0.0/24').replace('SIZE', '28'),
    );
    const { exit, out } = await calicoctl.call(['ipam', 'split', '2', '--name=p']);
    expect([exit, out.split(' ')[0]]).toEqual([1, 'E_CONFLICT']);
    expect(await cidrs(calicoctl)).toHaveLength(2);
  });
});
