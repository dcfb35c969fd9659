import { expect, test } from 'vitest';
import { pool } from '../calc/testing/resources.ts';
import type { IPPool } from '../model/index.ts';
import type { EncapsulationConfig } from '../rules/index.ts';
import { Encapsulations, GET_READY, LINGER } from './encapsulations.ts';

const BY_POOLS: EncapsulationConfig = { ipip4: 'by pools', vxlan4: 'by pools', vxlan6: 'by pools' };
const ipip = pool('10.0.0.0/16', { ipip: 'always' });
const vxlan = pool('10.0.0.0/16', { vxlan: 'cross-subnet' });
const never = pool('10.0.0.0/16');

class Bench {
  now = 1000;
  readonly encapsulations: Encapsulations;

  constructor(config: EncapsulationConfig = BY_POOLS) {
    this.encapsulations = new Encapsulations(config, () => this.now);
  }

  /** What is on; in brackets what is not ready. */
  after(milliseconds: number, ...pools: IPPool[]): string[] {
    this.now += milliseconds;
    for (const one of pools) this.encapsulations.setPool(one.id, one);
    this.encapsulations.settle();
    return [...this.encapsulations.on].map((one) => (this.encapsulations.isReady(one) ? one : `(${one})`));
  }
}

test('a pool that comes puts its encapsulation in force at once', () => {
  const bench = new Bench();
  expect(bench.after(0)).toEqual([]);
  expect(bench.after(0, ipip, pool('fd00::/64', { vxlan: 'always' }))).toEqual(['ipip4', 'vxlan6']);
  expect(bench.encapsulations.dueAt).toBe(null);
});

test('a pool that changes: received at once, sent later; what is not used any more is received for a while', () => {
  const bench = new Bench();
  bench.after(0, ipip);
  expect(bench.after(10, vxlan)).toEqual(['ipip4', '(vxlan4)']);
  expect(bench.encapsulations.dueAt).toBe(bench.now + GET_READY);
  expect(bench.after(GET_READY)).toEqual(['ipip4', 'vxlan4']);
  expect(bench.encapsulations.dueAt).toBe(bench.now - GET_READY + LINGER);
  expect(bench.after(LINGER - GET_READY)).toEqual(['vxlan4']);
  expect(bench.encapsulations.dueAt).toBe(null);
});

test('one that is used again before it ends goes on', () => {
  const bench = new Bench();
  bench.after(0, ipip);
  bench.after(0, never);
  expect(bench.after(LINGER - 1, ipip)).toEqual(['ipip4']);
  expect(bench.after(LINGER)).toEqual(['ipip4']);
});

test('the configuration says more than pools do', () => {
  expect(new Bench({ ipip4: 'on' }).after(0, vxlan)).toEqual(['ipip4']);
  const bench = new Bench({ ...BY_POOLS, vxlan4: 'on' });
  expect(bench.after(0, ipip)).toEqual(['ipip4', 'vxlan4']);
  // All hosts have it on: nobody has to get ready.
  expect(bench.after(10, vxlan)).toEqual(['ipip4', 'vxlan4']);
  expect(bench.after(LINGER)).toEqual(['vxlan4']);
});

test('the configuration turns one on, or off, while others run', () => {
  const bench = new Bench();
  bench.after(0, ipip);
  bench.encapsulations.configure({ ...BY_POOLS, vxlan4: 'on' });
  expect(bench.after(10)).toEqual(['ipip4', '(vxlan4)']);
  expect(bench.after(GET_READY)).toEqual(['ipip4', 'vxlan4']);
  bench.encapsulations.configure({ vxlan4: 'on' });
  expect(bench.after(10)).toEqual(['ipip4', 'vxlan4']);
  expect(bench.after(LINGER)).toEqual(['vxlan4']);
});

test('settling says whether anything has changed', () => {
  const bench = new Bench();
  const { encapsulations } = bench;
  expect(encapsulations.settle()).toBe(false);
  encapsulations.setPool(ipip.id, ipip);
  expect([encapsulations.settle(), encapsulations.settle()]).toEqual([true, false]);
  encapsulations.setPool(ipip.id, null);
  expect(encapsulations.settle()).toBe(false);
  bench.now += LINGER;
  expect([encapsulations.settle(), encapsulations.settle()]).toEqual([true, false]);
});
