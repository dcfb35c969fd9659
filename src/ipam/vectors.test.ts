/**
 * The recorded sequences of operations on upstream's allocator, replayed on ours: after each step the same keys and
 * values, and the same answer. Operations that we lack are replayed as the writes that upstream made.
 *
 * The reference is v3.15, but for the counts in handles: upstream (the newer version too) counts what was asked for
 * instead of what was assigned. Ours must be what the recorded blocks hold.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../datastore/memory/store.ts';
import { CalicoError } from '../errors/index.ts';
import type { Ip } from '../net/index.ts';
import { lengthOf } from '../net/index.ts';
import type { Block } from './block.ts';
import { type Assignment, Ipam } from './index.ts';

interface Op {
  op: string;
  host?: string;
  handle?: string;
  attrs?: Record<string, string>;
  num4?: number;
  num6?: number;
  pools4?: string[];
  pools6?: string[];
  ip?: string;
  ips?: string[];
  parallel?: Op[];
}

interface Step {
  op: Op;
  result: Record<string, unknown> & { error?: string };
  set?: { key: string; value: unknown }[];
  deleted?: string[];
}

interface Scenario {
  id: string;
  orderDependent?: boolean;
  'v3.15.0'?: Step[];
}

const DIRECTORY = new URL('../../test/vectors/ipam/', import.meta.url);
const HANDLES = '/calico/ipam/v2/handle/';
const OURS = new Set(['autoAssign', 'assignIP', 'releaseIPs', 'releaseByHandle', 'ipsByHandle', 'getAttrs']);
const SCENARIOS = readdirSync(DIRECTORY)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(new URL(name, DIRECTORY), 'utf8')) as Scenario)
  // The rest is about what only the newer version has, or is a race: see ipam.test.ts for those. With blocks of a single
  // IPv6 address upstream's order is another one at each run.
  .filter(
    (scenario) => Array.isArray(scenario['v3.15.0']) && !scenario.orderDependent && scenario.id !== 'block-size-128',
  );

describe('upstream’s recorded operations', () => {
  it.each(SCENARIOS)('$id', async (scenario) => {
    const reference = scenario['v3.15.0'] as Step[];
    const store = new MemoryStore();
    const ipam = new Ipam(store);
    const expected = new Map<string, unknown>();
    for (const [index, step] of reference.entries()) {
      const label = `step ${index}: ${JSON.stringify(step.op)}`;
      fold(expected, step);
      if (OURS.has(step.op.op)) {
        const result = await perform(ipam, step.op);
        expect(result, label).toEqual(answer(step));
      } else await replay(store, step);
      expect(await contents(store), label).toEqual(truth(expected));
    }
  });
});

async function perform(ipam: Ipam, op: Op): Promise<unknown> {
  const owner = {
    host: op.host as string,
    ...(op.handle !== undefined && { handle: op.handle }),
    ...(op.attrs !== undefined && { attributes: op.attrs }),
  };
  const auto = async (family: 4 | 6, count: number, pools: string[] = []) =>
    count > 0 ? spell((await ipam.autoAssign({ ...owner, family, count, pools })).assignments) : [];
  try {
    switch (op.op) {
      case 'autoAssign':
        return { v4: await auto(4, op.num4 ?? 0, op.pools4), v6: await auto(6, op.num6 ?? 0, op.pools6) };
      case 'assignIP':
        await ipam.assign(op.ip as Ip, owner);
        return {};
      case 'releaseIPs':
        return { unallocated: await ipam.release(op.ips as Ip[]) };
      case 'releaseByHandle':
        await ipam.releaseByHandle(op.handle as string);
        return {};
      case 'ipsByHandle':
        return { ips: await ipam.addressesOf(op.handle as string) };
      default: {
        const { handle, attributes } = await ipam.ownerOf(op.ip as Ip);
        return { handle, attrs: attributes };
      }
    }
  } catch (error) {
    if (error instanceof CalicoError) return 'error';
    throw error;
  }
}

/** Wording of errors is our own. */
function answer(step: Step): unknown {
  if (step.result.error !== undefined) return 'error';
  return step.result;
}

function spell(assignments: readonly Assignment[]): string[] {
  return assignments.map(({ address, block }) => `${address}/${lengthOf(block)}`);
}

function fold(state: Map<string, unknown>, step: Partial<Step>): void {
  for (const { key, value } of step.set ?? []) state.set(key, value);
  for (const key of step.deleted ?? []) state.delete(key);
}

async function replay(store: MemoryStore, step: Step): Promise<void> {
  // A `put` of an empty value is recorded in the operation only.
  const { op, key, value } = step.op as Op & { key?: string; value?: string };
  if (op === 'put') await store.put(key as string, value ?? '');
  else for (const write of step.set ?? []) await store.put(write.key, JSON.stringify(write.value));
  for (const deleted of step.deleted ?? []) await store.delete(deleted);
}

function truth(recorded: ReadonlyMap<string, unknown>): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  const handles: Record<string, { block: Record<string, number>; deleted: boolean }> = {};
  for (const [key, value] of recorded) {
    if (!key.startsWith('/calico/ipam/') || key.startsWith(HANDLES)) continue;
    out[key] = value;
    const { cidr, allocations = [], attributes } = value as Partial<Block>;
    for (const owner of allocations) {
      const handle = owner === null ? null : attributes?.[owner]?.handle_id;
      if (!handle || !cidr) continue;
      handles[HANDLES + handle] ??= { block: {}, deleted: false };
      const { block } = handles[HANDLES + handle] as { block: Record<string, number> };
      block[cidr] = (block[cidr] ?? 0) + 1;
    }
  }
  return { ...out, ...handles };
}

async function contents(store: MemoryStore): Promise<Record<string, unknown>> {
  const { items } = await store.list('/calico/ipam/');
  return Object.fromEntries(items.flatMap(({ key, value }) => (value === '' ? [] : [[key, JSON.parse(value)]])));
}
