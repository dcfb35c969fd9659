/** Evaluator before lowering = after lowering = a naive reading of what policy means. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DEFAULT_RULES_CONFIG, lowerRuleset, type Ruleset, renderChain } from '../../src/rules/index.ts';
import { allowed } from '../naive/policy.ts';
import { type Case, cases, RUNS, SEED, TIGHT } from './policy-arbitrary.ts';
import { ClusterHost, passes } from './policy-cluster.ts';

/** The verdicts in the end: one line a packet. */
function verdicts({ resources, packets }: Case) {
  const hosts = ['h1', 'h2'].map((name) => new ClusterHost(name, resources));
  const by = (change: (ruleset: Ruleset) => Ruleset) => packets.map((packet) => passes(hosts, packet, change));
  return {
    naive: packets.map((packet) => allowed(resources, packet)),
    compiled: by((ruleset) => ruleset),
    lowered: by((ruleset) => lowerRuleset(ruleset)),
    tight: by((ruleset) => lowerRuleset(ruleset, TIGHT)),
  };
}

test(`${RUNS} random clusters: compiled, lowered and naive verdicts are the same`, () => {
  const seen = { allow: 0, deny: 0 };
  fc.assert(
    fc.property(cases, (random) => {
      const { naive, compiled, lowered, tight } = verdicts(random);
      for (const verdict of naive) seen[verdict ? 'allow' : 'deny']++;
      expect({ compiled, lowered, tight }).toEqual({ compiled: naive, lowered: naive, tight: naive });
    }),
    { numRuns: RUNS, seed: SEED },
  );
  // A property over packets that all meet the same fate would show nothing.
  expect(seen.allow).toBeGreaterThan(RUNS / 2);
  expect(seen.deny).toBeGreaterThan(RUNS / 2);
});

test('whatever the policy, lowered chains can be said in iptables', () => {
  fc.assert(
    fc.property(cases, ({ resources }) => {
      const host = new ClusterHost('h1', resources);
      for (const family of [4, 6] as const) {
        const options = { family, marks: DEFAULT_RULES_CONFIG.marks, randomFully: true };
        const { chains } = lowerRuleset(host.ruleset(family)).filter;
        for (const chain of chains.values()) expect(renderChain(chain, options).rules.length).toBe(chain.rules.length);
      }
    }),
    { numRuns: RUNS / 2, seed: SEED },
  );
});
