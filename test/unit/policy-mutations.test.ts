/** The property of policy-property.test.ts is worth what it catches: each planted mistake has to be found. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lowerRuleset } from '../../src/rules/index.ts';
import { allowed } from '../naive/policy.ts';
import { cases, RUNS, SEED, TIGHT } from './policy-arbitrary.ts';
import { ClusterHost, passes } from './policy-cluster.ts';
import { MISTAKES, type Mistake } from './policy-mistakes.ts';

/** The first case that tells, counted from 1; null when none does. */
function caughtBy({ where, plant }: Mistake): number | null {
  const property = fc.property(cases, ({ resources, packets }) => {
    const hosts = ['h1', 'h2'].map((name) => new ClusterHost(name, resources));
    return packets.every(
      (packet) =>
        passes(hosts, packet, (compiled) =>
          where === 'compiled' ? lowerRuleset(plant(compiled)) : plant(lowerRuleset(compiled, TIGHT)),
        ) === allowed(resources, packet),
    );
  });
  const { failed, numRuns } = fc.check(property, { numRuns: RUNS, seed: SEED, endOnFailure: true });
  return failed ? numRuns : null;
}

test('there are at least ten mistakes', () => expect(MISTAKES.length).toBeGreaterThanOrEqual(10));

test.each(MISTAKES)('$where: $about', (mistake) => {
  expect(caughtBy(mistake)).not.toBeNull();
});
