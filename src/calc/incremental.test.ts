/** The cost of a change is that of what it touches: counted, at 100 and at 10,000 policies that are all active. */
import { describe, expect, test } from 'vitest';
import { changes, clusterOf, subject, subjectPolicy, undo } from './testing/cluster-of.ts';
import { Host } from './testing/host.ts';
import { workload } from './testing/resources.ts';
import type { Work } from './work.ts';

function cluster(policies: number): Host {
  const host = new Host();
  host.put(...clusterOf(policies));
  host.inSync();
  expect(host.state.policies.size).toBe(policies);
  return host;
}

describe('the same work at 100 and at 10,000 policies', () => {
  const small = cluster(100);
  const large = cluster(10_000);

  test.each(Object.entries(changes))('%s', (_, change) => {
    const costs = [small, large].map((host) => {
      let told: string[] = [];
      const work = host.cost(() => {
        told = host.update(change).map(({ type }) => type);
      });
      host.update(...undo);
      return { ...work, told };
    });
    expect(costs[1]).toEqual(costs[0]);
  });
});

describe('and it is little work', () => {
  const host = cluster(1000);
  const nothing: Work = {
    labelsEvaluated: 0,
    policiesResolved: 0,
    endpointsResolved: 0,
    rulesScanned: 0,
    membersTouched: 0,
  };

  test('an endpoint told again as it was: its list only', () => {
    expect(host.cost(() => host.put(subject))).toEqual({ ...nothing, endpointsResolved: 1 });
  });

  test('a rule with a set that exists: that rule', () => {
    expect(host.cost(() => host.put(subjectPolicy('own-2', 'app5')))).toEqual({ ...nothing, rulesScanned: 1 });
  });

  test('a remote endpoint that is in one set', () => {
    const remote = workload('new', { node: 'h2', ips: ['10.2.9.9'], labels: { app: 'app3' } });
    expect(host.cost(() => host.put(remote))).toEqual({ ...nothing, labelsEvaluated: 1, membersTouched: 1 });
  });
});
