/** Evaluator before lowering = after lowering = a naive reading of what policy means, and what a host does. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DEFAULT_RULES_CONFIG, lowerRuleset, type Ruleset, renderChain } from '../../src/rules/index.ts';
import { fate } from '../naive/host.ts';
import { hostCases } from '../random/arrivals.ts';
import { SEED, TIGHT } from '../random/clusters.ts';
import { Coverage, metBy } from '../random/coverage.ts';
import { OneHost } from '../random/one-host.ts';

const RUNS = 1500;
const PACKETS = 30;
/** How often each match, action, kind of endpoint and hook has to be met. */
const OFTEN = 50;

const plainly = (ruleset: Ruleset) => lowerRuleset(ruleset);
const tightly = (ruleset: Ruleset) => lowerRuleset(ruleset, TIGHT);

test(`${RUNS} random clusters: compiled, lowered and naive fates are the same`, () => {
  const coverage = new Coverage();
  fc.assert(
    fc.property(hostCases(PACKETS), ({ resources, machine, packets }) => {
      const host = new OneHost(machine, resources);
      const all = (by: (packet: (typeof packets)[number]) => string) => packets.map(by);
      const naive = all((packet) => fate(resources, machine, packet));
      packets.forEach(
        (packet, i) => void coverage.count(metBy(resources, packet, host.trace(packet), naive[i] as string)),
      );
      expect({
        compiled: all((packet) => host.fate(packet)),
        lowered: all((packet) => host.fate(packet, plainly)),
        tight: all((packet) => host.fate(packet, tightly)),
      }).toEqual({ compiled: naive, lowered: naive, tight: naive });
    }),
    { numRuns: RUNS, seed: SEED },
  );
  console.info(coverage.table());
  expect(coverage.lacking(OFTEN)).toEqual([]);
}, 120_000);

test('whatever the policy, lowered chains can be said in iptables', () => {
  fc.assert(
    fc.property(hostCases(0), ({ resources, machine }) => {
      const host = new OneHost(machine, resources);
      for (const family of [4, 6] as const) {
        const options = { family, marks: DEFAULT_RULES_CONFIG.marks, randomFully: true };
        for (const { chains } of Object.values(lowerRuleset(host.ruleset(family))))
          for (const chain of chains.values())
            expect(renderChain(chain, options).rules.length).toBe(chain.rules.length);
      }
    }),
    { numRuns: RUNS / 4, seed: SEED },
  );
});
