import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SetGap } from '../drivers/ipset/index.ts';
import type { Action, Rule, SideMatch } from '../rules/index.ts';
import { doubts } from './set-safety.ts';

const ACTIONS: Readonly<Record<string, Action>> = {
  allow: { type: 'policy', verdict: 'allow' },
  pass: { type: 'policy', verdict: 'pass' },
  deny: { type: 'drop' },
  reject: { type: 'reject' },
  log: { type: 'log', prefix: '' },
};
const id = { kind: 'GlobalNetworkPolicy', name: 'p' } as const;
const rule = (action: string, source: SideMatch): Rule => ({
  match: { source },
  action: ACTIONS[action] as Action,
  origin: { type: 'policy', id, direction: 'ingress', rule: 0 },
});

type Members = Readonly<Record<string, ReadonlySet<number>>>;

/** The gap that a set has whose members in the kernel are these. */
function gapBetween(desired: Members, actual: Members, set: string): SetGap | undefined {
  const [want, have] = [desired[set] as ReadonlySet<number>, actual[set] as ReadonlySet<number>];
  const missing = [...want].some((member) => !have.has(member));
  const extra = [...have].some((member) => !want.has(member));
  return missing || extra ? { absent: false, missing, extra, reason: 'full' } : undefined;
}

/** Policies of one tier, then of what comes after it; null: closed. What nobody allows is dropped. */
function allows(tiers: readonly (readonly (readonly Rule[] | null)[])[], sets: Members, packet: number): boolean {
  const holds = ({ match: { source = {} } }: Rule) =>
    (source.sets ?? []).every((set) => sets[set]?.has(packet)) &&
    !(source.notSets ?? []).some((set) => sets[set]?.has(packet));
  const verdict = (policies: readonly (readonly Rule[] | null)[]): string => {
    for (const rules of policies) {
      if (!rules) return 'drop';
      const decisive = rules.find((one) => one.action.type !== 'log' && holds(one))?.action;
      if (decisive) return decisive.type === 'policy' ? decisive.verdict : 'drop';
    }
    return 'drop';
  };
  for (const policies of tiers) {
    const said = verdict(policies);
    if (said !== 'pass') return said === 'allow';
  }
  return false;
}

describe('a policy whose sets are not as desired', () => {
  it('never lets through what it would not if they were', () => {
    const set = fc.constantFrom('a', 'b', 'c');
    const sets = fc.uniqueArray(set, { maxLength: 2 });
    const side = fc.record({ sets, notSets: sets });
    const rules = fc.array(
      fc.record({ action: fc.constantFrom(...Object.keys(ACTIONS)), side }).map((r) => rule(r.action, r.side)),
      { maxLength: 4 },
    );
    const members = fc.uniqueArray(fc.integer({ min: 0, max: 4 })).map((list) => new Set(list));
    const world = fc.record({ a: members, b: members, c: members });
    const tiers = fc.array(fc.array(rules, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 });
    let [open, closed] = [0, 0];
    fc.assert(
      fc.property(tiers, world, world, fc.array(set), (policies, desired, there, same) => {
        const actual = { ...there, ...Object.fromEntries(same.map((name) => [name, desired[name]])) };
        const inKernel = policies.map((tier) =>
          tier.map((one) => {
            const found = doubts(one, (name) => gapBetween(desired, actual, name));
            if (found.some(({ unsafe }) => unsafe)) closed++;
            else if (found.length > 0) open++;
            return found.some(({ unsafe }) => unsafe) ? null : one;
          }),
        );
        for (const packet of [0, 1, 2, 3, 4])
          if (allows(inKernel, actual, packet)) expect(allows(policies, desired, packet)).toBe(true);
      }),
      { numRuns: 3000 },
    );
    expect(Math.min(open, closed)).toBeGreaterThan(100);
  });

  const missing: SetGap = { absent: false, missing: true, extra: false, reason: 'full' };
  const extra: SetGap = { absent: false, missing: false, extra: true, reason: 'stuck' };
  it.each([
    ['allow', { sets: ['s'] }, missing, false],
    ['allow', { portSets: ['s'] }, missing, false],
    ['allow', { notPortSets: ['s'] }, missing, true],
    ['allow', { sets: ['s'] }, extra, true],
    ['deny', { sets: ['s'] }, missing, true],
    ['reject', { portSets: ['s'] }, missing, true],
    ['deny', { notSets: ['s'] }, missing, false],
    ['pass', { sets: ['s'] }, missing, true],
    ['log', { sets: ['s'] }, extra, false],
    ['log', { sets: ['s'] }, { ...missing, absent: true }, true],
  ] as const)('%s %j with %j', (action, side, gap, unsafe) => {
    const found = doubts([rule(action, side)], () => gap);
    expect(found).toMatchObject([{ set: 's', unsafe }]);
  });

  it('is told of the rule that could let something through, rather than of another', () => {
    const both = rule('deny', { notSets: ['a'], sets: ['b'] });
    expect(doubts([both], () => missing)).toMatchObject([{ set: 'b', unsafe: true }]);
  });
});
