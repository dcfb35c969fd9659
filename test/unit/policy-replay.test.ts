/**
 * Packets that upstream's Felix let pass or not, on real kernels, meet the same fate in memory: evaluated on every host on
 * their way, compiled and lowered, with the source address that NAT gave them.
 */
import { expect, test } from 'vitest';
import { lowerRuleset } from '../../src/rules/index.ts';
import { type Probe, Replay, type Topology } from './policy-replay.ts';
import { read, stepsOf } from './policy-scenarios.ts';

const SCENARIOS = [
  'policy-order',
  'profiles-and-labels',
  'selectors',
  'namespaces-and-accounts',
  'ports-and-protocols',
  'nets-and-sets',
  'nat-outgoing',
  'host-endpoints',
  'ipv6',
  'openstack',
];

const runs = SCENARIOS.flatMap((scenario) => {
  const recorded = read(`${scenario}/recorded/packets.json`) as { step: string; probes: Probe[] }[];
  return stepsOf(scenario).map((step) => ({
    name: `${scenario}: ${step.name}`,
    scenario,
    step,
    probes: recorded.find((r) => r.step === step.name)?.probes ?? [],
  }));
});

test.each(runs)('$name', ({ scenario, step, probes }) => {
  const replay = new Replay(scenario, read(`${scenario}/scenario.json`) as Topology, step);
  expect(probes.length).toBeGreaterThan(0);
  for (const probe of probes) {
    const expected = { probe, verdict: probe.verdict, source: probe.source };
    for (const change of [undefined, lowerRuleset]) {
      const { passes, source } = replay.send(probe, change);
      const verdict = passes ? 'allow' : 'drop';
      expect({ probe, verdict, source: probe.source && source }).toEqual(expected);
    }
  }
});
