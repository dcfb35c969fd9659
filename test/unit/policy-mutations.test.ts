/** The property of policy-property.test.ts is worth what it catches: each planted mistake has to be found. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lowerRuleset, type Ruleset } from '../../src/rules/index.ts';
import { fate } from '../naive/host.ts';
import { hostCases } from '../random/arrivals.ts';
import { SEED, TIGHT } from '../random/clusters.ts';
import { OneHost } from '../random/one-host.ts';
import { type Mistake, POLICY_MISTAKES } from './policy-mistakes.ts';
import { HOST_MISTAKES } from './policy-mistakes-host.ts';

const MISTAKES = [...POLICY_MISTAKES, ...HOST_MISTAKES];

const RUNS = 1500;

/** The first case that tells, counted from 1; null when none does. */
function caughtBy({ where, plant }: Mistake): number | null {
  const mistaken = (compiled: Ruleset) =>
    where === 'compiled' ? lowerRuleset(plant(compiled)) : plant(lowerRuleset(compiled, TIGHT));
  const property = fc.property(hostCases(30), ({ resources, machine, packets }) => {
    const host = new OneHost(machine, resources);
    return packets.every((packet) => host.fate(packet, mistaken) === fate(resources, machine, packet));
  });
  const { failed, numRuns } = fc.check(property, { numRuns: RUNS, seed: SEED, endOnFailure: true });
  return failed ? numRuns : null;
}

test('there are at least twenty mistakes', () => expect(MISTAKES.length).toBeGreaterThanOrEqual(20));

test.each(MISTAKES)('$where: $about', (mistake) => {
  expect(caughtBy(mistake)).not.toBeNull();
});
