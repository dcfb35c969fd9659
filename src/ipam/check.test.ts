import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryStore } from '../datastore/memory/store.ts';
import { ip } from '../net/index.ts';
import { applyFix, check, Ipam, planFix, planMigration, readSnapshot } from './index.ts';

const ROOT = '/calico/resources/v3/projectcalico.org/';
let store: MemoryStore;
let ipam: Ipam;

async function pool(name: string, cidr: string, more: object = {}): Promise<void> {
  const spec = { cidr, blockSize: 29, nodeSelector: 'all()', ...more };
  await store.put(`${ROOT}ippools/${name}`, JSON.stringify({ kind: 'IPPool', metadata: { name }, spec }));
}

async function node(name: string, spec: object = {}): Promise<void> {
  await store.put(`${ROOT}nodes/${name}`, JSON.stringify({ kind: 'Node', metadata: { name }, spec }));
}

async function endpoint(name: string, on: string, ...addresses: string[]): Promise<void> {
  const spec = { node: on, ipNetworks: addresses.map((address) => `${address}/32`) };
  const key = `${ROOT}workloadendpoints/default/${name}`;
  await store.put(key, JSON.stringify({ kind: 'WorkloadEndpoint', metadata: { name, namespace: 'default' }, spec }));
}

async function pod(name: string, host = 'n1'): Promise<string> {
  const attributes = { pod: name, namespace: 'default', node: host };
  const { assignments } = await ipam.autoAssign({ host, handle: name, attributes, family: 4, count: 1 });
  return assignments[0]?.address as string;
}

async function report() {
  return check(await readSnapshot(store));
}

beforeEach(async () => {
  store = new MemoryStore();
  ipam = new Ipam(store);
  await pool('p', '10.0.0.0/26');
  await node('n1');
});

describe('check', () => {
  it('finds nothing where every address is used by whom it was given to', async () => {
    await endpoint('a', 'n1', await pod('a'));
    const handle = 'ipip-tunnel-addr-n1';
    const attributes = { node: 'n1', type: 'ipipTunnelAddress' };
    const tunnel = await ipam.autoAssign({ host: 'n1', handle, attributes, family: 4, count: 1 });
    await node('n1', { bgp: { ipv4IPIPTunnelAddr: tunnel.assignments[0]?.address } });
    expect((await report()).problems).toEqual([]);
  });

  it('says why an address is unused, and whether that is sure', async () => {
    await pod('gone');
    await ipam.assign(ip('10.0.0.33'), { host: 'n1' });
    await ipam.assign(ip('10.0.0.34'), { host: 'n1', handle: 'of-n9', attributes: { node: 'n9' } });
    await ipam.autoAssign({ host: 'n1', handle: 'two', attributes: { pod: 'two', node: 'n1' }, family: 4, count: 2 });
    const two = await ipam.addressesOf('two');
    await endpoint('two', 'n1', two[0] as string);
    const found = (await report()).problems.flatMap((problem) =>
      problem.kind === 'unused' ? [[problem.given.handle, problem.sure, problem.why]] : [],
    );
    expect(found.sort()).toEqual(
      [
        [null, false, expect.stringContaining('nothing says what it is for')],
        ['gone', true, 'no endpoint of default/gone has it'],
        ['of-n9', true, 'its node n9 is gone'],
        ['two', false, 'its handle two is in use with other addresses'],
      ].sort(),
    );
  });

  it('finds addresses that are used and not given, used twice, or of no pool', async () => {
    const address = await pod('a');
    await endpoint('a', 'n1', address);
    await endpoint('b', 'n1', address, '10.0.0.63', '192.0.2.1');
    expect((await report()).problems.map(({ kind }) => kind).sort()).toEqual(['not-given', 'outside-pools', 'shared']);
  });

  it('finds handles, affinities and blocks that contradict each other, and mends them', async () => {
    await endpoint('a', 'n1', await pod('a'));
    await ipam.claimAffinity('10.0.0.0/29' as never, 'n1');
    const [block] = (await store.list('/calico/ipam/v2/assignment/')).items;
    await store.put('/calico/ipam/v2/handle/leaked', '{"block":{"10.0.0.0/29":3},"deleted":false}');
    await store.put('/calico/ipam/v2/host/n2/ipv4/block/10.0.0.0-29', '{"state":"confirmed"}');
    await store.delete('/calico/ipam/v2/host/n1/ipv4/block/10.0.0.0-29');
    const broken = (block?.value ?? '').replace('"unallocated":[0,1,', '"unallocated":[1,1,');
    await store.put(block?.key ?? '', broken);
    const before = await report();
    expect(before.problems.map(({ kind }) => kind).sort()).toEqual([
      'affinity-without-block',
      'block-without-affinity',
      'broken-block',
      'miscounted',
    ]);
    await applyFix(store, planFix(before));
    expect((await report()).problems).toEqual([]);
  });
});

describe('fix', () => {
  it('releases what is sure, leaves the rest to people', async () => {
    await endpoint('live', 'n1', await pod('live'));
    const gone = await pod('gone');
    await ipam.assign(ip('10.0.0.63'), { host: 'n1' });
    const plan = planFix(await report());
    expect(plan.steps).toMatchObject([{ do: 'release', given: { address: gone } }]);
    expect(plan.left).toMatchObject([{ problem: { given: { address: '10.0.0.63' } } }]);
    await applyFix(store, plan);
    expect((await report()).given.map(({ handle }) => handle)).toEqual(['live', null]);
  });

  it('refuses more than its limit, and when nothing at all seems to be used', async () => {
    for (let i = 0; i < 12; i++) await pod(`gone-${i}`);
    expect(planFix(await report()).refusal).toMatchObject({ code: 'E_REFUSED' });
    expect(planFix(await report(), { limit: 100 }).refusal?.message).toContain('nothing that uses addresses');
    await endpoint('live', 'n1', await pod('live'));
    const refused = planFix(await report());
    expect(refused.refusal).toMatchObject({ code: 'E_REFUSED', message: expect.stringContaining('12 of 13') });
    await expect(applyFix(store, refused)).rejects.toMatchObject({ code: 'E_REFUSED' });
    expect(planFix(await report(), { limit: 12 }).refusal).toBeNull();
  });

  it('what is just being set up was not there at the earlier check', async () => {
    await endpoint('live', 'n1', await pod('live'));
    await pod('gone');
    const earlier = await report();
    await pod('starting');
    const plan = planFix(await report(), { earlier });
    expect(plan.steps).toMatchObject([{ do: 'release', given: { handle: 'gone' } }]);
    expect(plan.left).toMatchObject([{ problem: { given: { handle: 'starting' } } }]);
  });

  it('does not take an address that has been given to somebody else since', async () => {
    await endpoint('live', 'n1', await pod('live'));
    const address = ip(await pod('gone'));
    const plan = planFix(await report());
    await ipam.release([address]);
    await ipam.assign(address, { host: 'n1', handle: 'new' });
    const problems: unknown[] = [];
    await applyFix(store, plan, (_, problem) => problems.push(problem));
    expect(problems).toMatchObject([{ code: 'E_CONFLICT', subject: address }]);
    expect((await ipam.ownerOf(address)).handle).toBe('new');
  });
});

describe('migrate', () => {
  beforeEach(() => pool('q', '10.1.0.0/26'));
  const plan = async (from = 'p', to = 'q') => planMigration(await readSnapshot(store), from, to);

  it('disable, recreate, release, delete: again and again from where it stands', async () => {
    const old = await pod('a');
    await endpoint('a', 'n1', old);
    const first = await plan();
    expect(first.steps.map((step) => step.do)).toEqual([
      'disable-pool',
      'recreate-workload',
      'release-affinities',
      'delete-pool',
    ]);
    expect(first).toMatchObject({ executable: 1, refusal: null, warnings: [] });
    await pool('p', '10.0.0.0/26', { disabled: true });
    expect(await plan()).toMatchObject({
      executable: 0,
      steps: [{ do: 'recreate-workload', name: 'default/a' }, {}, {}],
    });
    await ipam.release([ip(old)]);
    const moved = await pod('a');
    expect(moved).toMatch(/^10\.1\.0\./);
    await endpoint('a', 'n1', moved);
    expect(await plan()).toMatchObject({ executable: 2, steps: [{ do: 'release-affinities' }, { do: 'delete-pool' }] });
  });

  it('refuses what could not end well', async () => {
    await endpoint('a', 'n1', await pod('a'));
    await pool('small', '10.2.0.0/32', { blockSize: 32 });
    await pod('b');
    await pool('off', '10.3.0.0/26', { disabled: true });
    await pool('other', '10.4.0.0/26', { nodeSelector: "rack == 'r9'" });
    await pool('six', 'fd00::/64', { blockSize: 122 });
    for (const name of ['p', 'small', 'off', 'other', 'six'])
      expect((await plan('p', name)).refusal, name).toMatchObject({ code: 'E_REFUSED' });
    await expect(plan('p', 'none')).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
  });

  it('warns of what changes with the pool', async () => {
    await pool('tunnelled', '10.2.0.0/26', { ipipMode: 'Always' });
    expect((await plan('p', 'tunnelled')).warnings).toEqual([
      'ipipMode is Always in tunnelled and not set in p',
      'new addresses may come from q as well',
    ]);
  });
});
