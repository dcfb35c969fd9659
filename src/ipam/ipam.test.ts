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
