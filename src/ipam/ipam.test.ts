import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../datastore/memory/store.ts';
import { type Ip, ip } from '../net/index.ts';
import { type Block, parseBlock } from './block.ts';
import { Ipam } from './index.ts';

async function storeWithPool(cidr: string, blockSize: number): Promise<MemoryStore> {
  const store = new MemoryStore();
  const pool = { kind: 'IPPool', metadata: { name: 'p' }, spec: { cidr, blockSize, nodeSelector: 'all()' } };
  await store.put('/calico/resources/v3/projectcalico.org/ippools/p', JSON.stringify(pool));
  return store;
}

async function storedBlocks(store: MemoryStore): Promise<Block[]> {
  const { items } = await store.list('/calico/ipam/v2/assignment/');
  return items.map(({ value }) => parseBlock(value));
}

/** Handle → block → how many, as the blocks say. */
function countsInBlocks(blocks: readonly Block[]): Record<string, Record<string, number>> {
  const out: Record<string, Record<string, number>> = {};
  for (const block of blocks) {
    for (const owner of block.allocations) {
      const handle = owner === null ? null : block.attributes?.[owner]?.handle_id;
      if (!handle) continue;
      out[handle] ??= {};
      out[handle][block.cidr] = (out[handle][block.cidr] ?? 0) + 1;
    }
  }
  return out;
}

async function countsInHandles(store: MemoryStore): Promise<Record<string, Record<string, number>>> {
  const { items } = await store.list('/calico/ipam/v2/handle/');
  return Object.fromEntries(items.map(({ key, value }) => [key.split('/').pop() as string, JSON.parse(value).block]));
}

describe('at the same time', () => {
  it('two hosts that want one address: one gets it', async () => {
    const store = await storeWithPool('10.0.0.0/24', 29);
    const results = await Promise.allSettled(
      ['n1', 'n2'].map((host) => new Ipam(store).assign(ip('10.0.0.3'), { host, handle: host })),
    );
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(countsInBlocks(await storedBlocks(store))).toEqual(await countsInHandles(store));
  });

  it('many that allocate from few blocks get different addresses, and all of them', async () => {
    const store = await storeWithPool('10.0.0.0/26', 29);
    const asked = Array.from({ length: 64 }, (_, i) => ({ host: `n${i % 5}`, handle: `h${i}` }));
    const got = await Promise.all(asked.map((owner) => new Ipam(store).autoAssign({ ...owner, family: 4, count: 1 })));
    expect(new Set(got.flatMap(({ assignments }) => assignments).map(({ address }) => address)).size).toBe(64);
    expect(await countsInHandles(store)).toEqual(countsInBlocks(await storedBlocks(store)));
  });
});

it('one handle of many hosts at the same time counts them all, taken and given back', async () => {
  const store = await storeWithPool('10.0.0.0/24', 29);
  const hosts = Array.from({ length: 10 }, (_, i) => `n${i}`);
  const got = await Promise.all(
    hosts.map((host) => new Ipam(store).autoAssign({ host, handle: 'shared', family: 4, count: 2 })),
  );
  expect(await countsInHandles(store)).toEqual(countsInBlocks(await storedBlocks(store)));
  await Promise.all(got.map(({ assignments }) => new Ipam(store).release([assignments[0]?.address as Ip])));
  expect(await countsInHandles(store)).toEqual(countsInBlocks(await storedBlocks(store)));
  expect(await new Ipam(store).addressesOf('shared')).toHaveLength(10);
});

it('blocks of a single address', async () => {
  const ipam = new Ipam(await storeWithPool('fd00::/126', 128));
  const got = await ipam.autoAssign({ host: 'n1', handle: 'h', family: 6, count: 5 });
  expect(got.assignments.map(({ address }) => address).sort()).toEqual(['fd00::', 'fd00::1', 'fd00::2', 'fd00::3']);
});

it('random operations: handles count what blocks hold, and nothing is given twice', async () => {
  const host = fc.constantFrom('n1', 'n2');
  const handle = fc.constantFrom('a', 'b', 'c');
  const address = fc.integer({ min: 0, max: 31 }).map((n) => ip(`10.0.0.${n}`));
  const operation = fc.oneof(
    fc.record({ op: fc.constant('auto' as const), host, handle, count: fc.integer({ min: 1, max: 6 }) }),
    fc.record({ op: fc.constant('assign' as const), host, handle, address }),
    fc.record({ op: fc.constant('release' as const), addresses: fc.uniqueArray(address, { maxLength: 4 }) }),
    fc.record({ op: fc.constant('handle' as const), handle }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 20 }), async (operations) => {
      const store = await storeWithPool('10.0.0.0/27', 29);
      const ipam = new Ipam(store);
      const held = new Map<Ip, string>();
      for (const step of operations) {
        if (step.op === 'auto') {
          for (const { address } of (await ipam.autoAssign({ ...step, family: 4 })).assignments) {
            expect(held.has(address)).toBe(false);
            held.set(address, step.handle);
          }
        } else if (step.op === 'assign') {
          const done = await ipam.assign(step.address, step).then(
            () => true,
            () => false,
          );
          expect(done).toBe(!held.has(step.address));
          if (done) held.set(step.address, step.handle);
        } else if (step.op === 'release') {
          expect(await ipam.release(step.addresses)).toEqual(
            expect.arrayContaining(step.addresses.filter((a) => !held.has(a))),
          );
          for (const address of step.addresses) held.delete(address);
        } else {
          await ipam.releaseByHandle(step.handle).catch(() => {});
          for (const [address, owner] of held) if (owner === step.handle) held.delete(address);
        }
        const blocks = await storedBlocks(store);
        expect(await countsInHandles(store)).toEqual(countsInBlocks(blocks));
        const free = blocks.reduce((sum, block) => sum + block.unallocated.length, 0);
        expect(blocks.length * 8 - free).toBe(held.size);
      }
    }),
    { numRuns: 200, seed: 3 },
  );
});

it('an empty block of a pool that does not select the node any more is released; one in use stays', async () => {
  const store = await storeWithPool('10.0.0.0/26', 29);
  const ipam = new Ipam(store);
  await ipam.autoAssign({ host: 'n1', handle: 'used', family: 4, count: 1 });
  await ipam.autoAssign({ host: 'n1', handle: 'gone', family: 4, count: 8 });
  await ipam.releaseByHandle('gone');
  expect(await storedBlocks(store)).toHaveLength(2);
  const pool = (name: string, cidr: string, nodeSelector: string) =>
    store.put(
      `/calico/resources/v3/projectcalico.org/ippools/${name}`,
      JSON.stringify({ metadata: { name }, spec: { cidr, blockSize: 29, nodeSelector } }),
    );
  await pool('p', '10.0.0.0/26', "zone == 'a'");
  await pool('q', '10.1.0.0/26', 'all()');
  const { assignments } = await ipam.autoAssign({ host: 'n1', handle: 'new', family: 4, count: 1 });
  expect(assignments[0]?.address).toMatch(/^10\.1\./);
  const left = await storedBlocks(store);
  expect(left.filter(({ cidr }) => cidr.startsWith('10.0.'))).toMatchObject([{ attributes: [{ handle_id: 'used' }] }]);
});

it('as many blocks as a host may have, of its own wish or the cluster’s', async () => {
  const store = await storeWithPool('10.0.0.0/26', 29);
  const ipam = new Ipam(store);
  const config = { autoAllocateBlocks: true, kubeVirtVMAddressPersistence: null, ipCooldownSeconds: 0 };
  await ipam.setConfig({ ...config, strictAffinity: true, maxBlocksPerHost: 2 });
  const limited = await ipam.autoAssign({ host: 'n1', handle: 'a', family: 4, count: 20 });
  expect(limited.assignments).toHaveLength(16);
  expect(limited.shortage).toMatchObject({ code: 'E_EXHAUSTED', message: expect.stringContaining('as many blocks') });
  const own = await ipam.autoAssign({ host: 'n2', handle: 'b', family: 4, count: 20, maxBlocks: 1 });
  expect(own.assignments).toHaveLength(8);
  await expect(ipam.setConfig({ ...config, strictAffinity: false, maxBlocksPerHost: 2 })).rejects.toMatchObject({
    code: 'E_INVALID',
  });
});

it('pools by name; only those that allow the use', async () => {
  const store = await storeWithPool('10.0.0.0/26', 29);
  const put = (name: string, spec: object) =>
    store.put(`/calico/resources/v3/projectcalico.org/ippools/${name}`, JSON.stringify({ metadata: { name }, spec }));
  await put('tunnels', { cidr: '10.1.0.0/26', blockSize: 29, allowedUses: ['Tunnel'] });
  await put('lb', { cidr: '10.2.0.0/26', blockSize: 29, allowedUses: ['LoadBalancer'] });
  const ipam = new Ipam(store);
  const get = async (more: object) =>
    (await ipam.autoAssign({ host: 'n1', family: 4, count: 1, ...more })).assignments[0]?.address;
  expect(await get({ pools: ['p'] })).toMatch(/^10\.0\./);
  expect(await get({ pools: ['tunnels'], use: 'Tunnel' })).toMatch(/^10\.1\./);
  expect(await get({ use: 'LoadBalancer' })).toMatch(/^10\.2\./);
  await expect(get({ pools: ['tunnels'] })).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
});

it('more blocks than one transaction takes', async () => {
  const store = await storeWithPool('10.0.0.0/24', 31);
  const { assignments, shortage } = await new Ipam(store).autoAssign({
    host: 'n1',
    handle: 'h',
    family: 4,
    count: 300,
  });
  expect(new Set(assignments.map(({ address }) => address)).size).toBe(256);
  expect(shortage?.code).toBe('E_EXHAUSTED');
  expect(await countsInHandles(store)).toEqual(countsInBlocks(await storedBlocks(store)));
});

it('the oldest form: a block with a bare host name, an affinity without a state', async () => {
  const store = await storeWithPool('10.0.0.0/26', 29);
  const [block, affinity] = [
    '/calico/ipam/v2/assignment/ipv4/block/10.0.0.0-29',
    '/calico/ipam/v2/host/n1/ipv4/block/10.0.0.0-29',
  ];
  const old = { cidr: '10.0.0.0/29', affinity: null, hostAffinity: 'n1', strictAffinity: false, attributes: [] };
  const free = { allocations: Array(8).fill(null), unallocated: [0, 1, 2, 3, 4, 5, 6, 7], deleted: false };
  await store.put(block, JSON.stringify({ ...old, ...free }));
  await store.put(affinity, '');
  const ipam = new Ipam(store);
  expect(await ipam.upgradeHost('n1')).toBe(2);
  expect(await ipam.upgradeHost('n1')).toBe(0);
  expect(JSON.parse((await store.get(block))?.value ?? '')).toEqual({
    ...free,
    cidr: '10.0.0.0/29',
    affinity: 'host:n1',
    strictAffinity: false,
    attributes: [],
  });
  expect((await store.get(affinity))?.value).toBe('{"state":"confirmed","deleted":false}');
});

it('integers above 2^53, and fields that we do not know, are kept', async () => {
  const store = await storeWithPool('10.0.0.0/26', 29);
  const key = '/calico/ipam/v2/assignment/ipv4/block/10.0.0.0-29';
  const text =
    '{"cidr":"10.0.0.0/29","affinity":"host:n1","future":{"n":9007199254740993},' +
    '"allocations":[0,null,null,null,null,null,null,null],"unallocated":[1,2,3,4,5,6,7],' +
    '"attributes":[{"handle_id":"a","later":18446744073709551615}],"sequenceNumber":1795454927211806211,' +
    '"sequenceNumberForAllocation":{"0":1795454927211806209},"deleted":false}';
  await store.put(key, text);
  await new Ipam(store).assign(ip('10.0.0.1'), { host: 'n1', handle: 'b' });
  expect((await store.get(key))?.value).toBe(
    text
      .replace('[0,null', '[0,1')
      .replace('[1,2,', '[2,')
      .replace('}],"seq', '},{"handle_id":"b"}],"seq')
      .replace('806211', '806212')
      .replace('209}', '209,"1":1795454927211806211}'),
  );
});
