import { describe, expect, test } from 'vitest';
import { Ipam } from '../../ipam/index.ts';
import { ip } from '../../net/index.ts';
import { terminal } from '../testing/terminal.ts';
import { cluster, give, given, use } from './testing.ts';

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
