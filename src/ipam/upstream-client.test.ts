/**
 * Ours beside clients that write as upstream's do: handle first, then the block, each with its own comparison, so that one that
 * is killed between the two leaves a handle that counts too much. No address is two's all the same, and check mends the rest.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { parseJson, toJson } from '../api/json.ts';
import { MemoryStore } from '../datastore/memory/store.ts';
import type { Cidr, Ip } from '../net/index.ts';
import { type Block, countWrite, parseBlock, release, take } from './block.ts';
import { countedHandle } from './handle.ts';
import { applyFix, check, Ipam, planFix, readSnapshot } from './index.ts';
import { blockKey, handleKey } from './keys.ts';

const BLOCK = '10.0.0.0/27' as Cidr;

/** Upstream's order of writes; `dies` is asked before each. */
class UpstreamClient {
  readonly #store: MemoryStore;
  readonly #dies: () => boolean;

  constructor(store: MemoryStore, dies: () => boolean) {
    this.#store = store;
    this.#dies = dies;
  }

  async assign(handle: string): Promise<Ip | null> {
    for (;;) {
      const stored = await this.#store.get(blockKey(BLOCK));
      await turn();
      const block = parseBlock(stored?.value as string);
      const [address] = take(block, 1, { handle_id: handle }, null);
      if (!address) return null;
      await this.#count(handle, 1);
      if (this.#dies()) throw new Killed();
      if (await this.#update(block, stored?.revision as string)) return address;
      await this.#count(handle, -1);
    }
  }

  async release(handle: string, address: Ip): Promise<void> {
    for (;;) {
      const stored = await this.#store.get(blockKey(BLOCK));
      await turn();
      const block = parseBlock(stored?.value as string);
      if (release(block, [address]).freed.length === 0) throw new Error(`${address} was not given any more`);
      if (this.#dies()) throw new Killed();
      if (await this.#update(block, stored?.revision as string)) break;
    }
    if (this.#dies()) throw new Killed();
    await this.#count(handle, -1);
  }

  async #update(block: Block, revision: string): Promise<boolean> {
    countWrite(block);
    const write = { key: blockKey(BLOCK), value: toJson(block) };
    return (await this.#store.transact([{ key: write.key, revision }], [write])) !== null;
  }

  async #count(handle: string, gain: number): Promise<void> {
    const key = handleKey(handle);
    for (;;) {
      const stored = await this.#store.get(key);
      await turn();
      const value = countedHandle(stored?.value ?? null, new Map([[BLOCK, gain]]));
      if (value === null && !stored) return;
      if ((await this.#store.transact([{ key, revision: stored?.revision ?? null }], [{ key, value }])) !== null)
        return;
    }
  }
}

class Killed extends Error {}

it.each(Array.from({ length: 20 }, (_, i) => i))('race %i', async (seed) => {
  const random = generator(seed);
  const store = new MemoryStore();
  const spec = { cidr: BLOCK, blockSize: 27, nodeSelector: 'all()' };
  await store.put('/calico/resources/v3/projectcalico.org/ippools/p', toJson({ metadata: { name: 'p' }, spec }));
  const form = seed % 2 === 0 ? 'v3.15' : 'v3.34';
  await new Ipam(store, { form }).claimAffinity(BLOCK, 'n1');
  const held = new Map<Ip, string>();
  const given = (address: Ip | null | undefined, to: string) => {
    if (!address) return;
    expect(held.get(address), address).toBeUndefined();
    held.set(address, to);
  };
  const ours = async (name: string) => {
    const ipam = new Ipam(store, { form });
    for (let i = 0; i < 8; i++) {
      const handle = `${name}-${i}`;
      const { assignments } = await ipam.autoAssign({ host: 'n1', handle, family: 4, count: 1 });
      given(assignments[0]?.address, handle);
      if (random() < 0.4) {
        for (const { address } of assignments) held.delete(address);
        if (assignments.length > 0) await ipam.releaseByHandle(handle);
      }
    }
  };
  const upstreams = async (name: string) => {
    const client = new UpstreamClient(store, () => random() < 0.08);
    for (let i = 0; i < 8; i++) {
      const handle = `${name}-${i}`;
      const address = await client.assign(handle);
      given(address, handle);
      if (!address || random() > 0.4) continue;
      held.delete(address);
      await client.release(handle, address);
    }
  };
  const untilKilled = (error: unknown) => {
    if (!(error instanceof Killed)) throw error;
  };
  await Promise.all([
    ...['a', 'b', 'c'].map(ours),
    ...['x', 'y', 'z'].map((name) => upstreams(name).catch(untilKilled)),
  ]);
  await applyFix(store, planFix(check(await readSnapshot(store))));
  const report = check(await readSnapshot(store));
  expect(report.problems.filter(({ kind }) => kind !== 'unused' && kind !== 'host-gone')).toEqual([]);
  const owners = new Map(report.given.map(({ address, handle }) => [address, handle]));
  for (const [address, handle] of held) expect(owners.get(address)).toBe(handle);
  const { items } = await store.list(handleKey(''));
  const counted = items.reduce((sum, { value }) => sum + sumOf(value), 0);
  expect(counted).toBe(report.given.length);
});

function sumOf(handle: string): number {
  const { block } = parseJson(handle) as { block: Record<string, number> };
  return Object.values(block).reduce((sum, count) => sum + count, 0);
}

/** Numbers from 0 to 1, the same for the same seed. */
function generator(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
