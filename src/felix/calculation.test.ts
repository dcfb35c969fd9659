/** When calc is asked for what follows, and what becomes of a fault in it. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CalcGraph, type DataplaneUpdate } from '../calc/index.ts';
import { put, workload } from '../calc/testing/resources.ts';
import { CalicoError } from '../errors/index.ts';
import { Calculation, type CalculationParts } from './calculation.ts';
import { Health } from './health.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function started() {
  const graph = new CalcGraph({ node: 'h1' });
  const health = new Health(['datastore', 'calculation']);
  const told: DataplaneUpdate['type'][] = [];
  let faulty = false;
  let tries = 0;
  const calculation = new Calculation({
    graph,
    health,
    observed: { inSync: false, onUpdates: (updates: never) => graph.onUpdates(updates), onOutput: () => {} },
    log: { error: () => {}, info: () => {} },
    onOutput(update: DataplaneUpdate) {
      if (faulty) tries++;
      if (faulty) throw new Error('a mistake');
      told.push(update.type);
    },
  } as unknown as CalculationParts);
  const turn = () => vi.advanceTimersByTime(1);
  const setFaulty = (now: boolean) => {
    faulty = now;
  };
  return { calculation, health, told, turn, setFaulty, tries: () => tries };
}

test('nothing is told before all is there; then a turn at a time', () => {
  const { calculation, health, told, turn } = started();
  calculation.onStatus('wait');
  calculation.onUpdates([put(workload('w1', { node: 'h1' }))]);
  turn();
  expect(told).toEqual([]);
  expect(health.ready).toBe(false);
  calculation.onStatus('in-sync');
  calculation.onUpdates([put(workload('w2', { node: 'h1' }))]);
  expect(told).toEqual([]);
  turn();
  expect(told.filter((type) => type === 'workload')).toHaveLength(2);
  expect(health.ready).toBe(true);
});

test('after a fault everything is told again, by itself', () => {
  const felix = started();
  felix.calculation.onUpdates([put(workload('w1', { node: 'h1' }))]);
  felix.setFaulty(true);
  felix.calculation.onStatus('in-sync');
  felix.turn();
  expect(felix.health.detail).toContain('calculation: live, not ready: Error: a mistake');
  felix.setFaulty(false);
  vi.advanceTimersByTime(6_000);
  expect(felix.told).toContain('workload');
  expect(felix.told.at(-1)).toBe('in-sync');
  expect(felix.health.ready).toBe(true);
});

test('however many flushes fail, all is told again once, and later each time', () => {
  const felix = started();
  felix.setFaulty(true);
  felix.calculation.onStatus('in-sync');
  felix.turn();
  for (let i = 0; i < 10; i++) {
    felix.calculation.onUpdates([put(workload('w1', { node: 'h1', labels: { i: `${i}` } }))]);
    felix.turn();
  }
  const after = (ms: number): number => {
    const before = felix.tries();
    vi.advanceTimersByTime(ms);
    return felix.tries() - before;
  };
  expect(after(1_000)).toBe(1);
  expect(after(1_000)).toBe(0);
  // At 3, 7, 15, 31 and 63 s, then every 64 s.
  expect(after(70_000)).toBe(5);
  expect(after(640_000)).toBe(10);
  felix.setFaulty(false);
  // What a flush tells is told; what those before it did not, perhaps not: not ready yet.
  felix.calculation.onUpdates([put(workload('w2', { node: 'h1' }))]);
  felix.turn();
  expect(felix.health.ready).toBe(false);
  vi.advanceTimersByTime(64_000);
  expect(felix.health.ready).toBe(true);
});

test('a datastore that is not believed makes Felix not ready until it is', () => {
  const { calculation, health } = started();
  calculation.onStatus('in-sync');
  vi.advanceTimersByTime(1);
  calculation.onHeld(new CalicoError('E_NOT_READY', 'ClusterInformation', 'the datastore says that it is not ready'));
  expect(health.ready).toBe(false);
  calculation.onHeld(null);
  expect(health.ready).toBe(true);
});
