/** What is told of, and what a fault in the telling, or a new listener, makes of it. */
import { expect, test } from 'vitest';
import type { BGPConfiguration, Update } from '../model/index.ts';
import { cidr } from '../net/index.ts';
import { CalcGraph } from './graph.ts';
import { Pending } from './pending.ts';
import { DataplaneState } from './state.ts';
import { gone, policy, put, rule, workload } from './testing/resources.ts';

interface Thing {
  readonly name: string;
}

function told(pending: Pending<string, Thing>): string[] {
  const lines: string[] = [];
  pending.updates(({ name }) => lines.push(name));
  pending.removals(({ name }) => lines.push(`-${name}`));
  return lines;
}

test('a removal that was not told is told after everything is told again', () => {
  const pending = new Pending<string, Thing>();
  for (const name of ['a', 'b', 'c']) pending.put(name, { name });
  told(pending);
  pending.remove('a');
  pending.remove('b');
  const fails = () => {
    throw new Error('a mistake');
  };
  expect(() => pending.removals(fails)).toThrow();
  pending.retell();
  // Gone between the two, before it was told again.
  pending.remove('c');
  expect(told(pending)).toEqual(['-a', '-b', '-c']);
  expect(pending.size).toBe(0);
  expect(told(pending)).toEqual([]);
});

test('what came back is not told as gone', () => {
  const pending = new Pending<string, Thing>();
  pending.put('a', { name: 'a' });
  told(pending);
  pending.remove('a');
  pending.retell();
  pending.put('a', { name: 'a2' });
  expect(told(pending)).toEqual(['a2']);
});

/** A graph, and who is told; `faultAt`: throws instead of taking the update of that number. */
function listening() {
  const graph = new CalcGraph({ node: 'h1' });
  const state = new DataplaneState();
  const update = (updates: readonly Update[], faultAt = -1): number => {
    let count = 0;
    graph.onUpdates(updates);
    graph.flush((one) => {
      if (count++ === faultAt) throw new Error('a mistake');
      state.apply(one);
    });
    return count;
  };
  return { graph, state, update };
}

test('who is told all again after a fault at any update has in the end what who was told at once has', () => {
  const rules = { ingress: [rule({ source: { selector: "a == 'b'" } })] };
  const services: BGPConfiguration = {
    id: { kind: 'BGPConfiguration', name: 'default' },
    serviceClusterIps: [cidr('10.96.0.0/12')],
    serviceExternalIps: [],
    serviceLoadBalancerIps: [],
  };
  const before = [services, policy('p', rules), workload('w1')].map(put);
  const after = [gone(services), gone(policy('p')), gone(workload('w1')), put(workload('w2'))];
  const steady = listening();
  steady.update(before);
  const count = steady.update(after);
  expect(count).toBeGreaterThan(4);
  for (let at = 0; at < count; at++) {
    const { graph, state, update } = listening();
    update(before);
    expect(() => update(after, at)).toThrow();
    graph.retell();
    update([]);
    expect(state, `fault at ${at}`).toEqual(steady.state);
  }
});
