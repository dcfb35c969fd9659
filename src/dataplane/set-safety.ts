/**
 * What becomes of a policy whose rules name a set that the kernel holds only in part.
 *
 * A packet that such a rule decides may be decided wrongly, which way depends on the rule and on what is wrong about the
 * set. An Allow that matches too few packets leaves them to the rules after it: what they allow is allowed anyway, the
 * rest is dropped. So it stays as it is, and a set that cannot take its last member does not cut off all the others. The
 * same holds for a Deny that matches too many. But a Deny that matches too few, an Allow that matches too many, and a
 * Pass that is wrong either way could let through what policy forbids: then the whole chain is closed until the set is
 * well, as one is that the kernel refuses, for only a drop is right whatever the other rules say. A rule that names a
 * set which is not there at all would be refused: its chain is closed, too. All this goes for a chain that is in the
 * kernel already as for a new one: a member that a Deny does not have is as bad in either.
 */
import type { SetGap } from '../drivers/ipset/index.ts';
import type { Rule, SideMatch } from '../rules/index.ts';

/** The gap of a set by its id; undefined: it is as desired. */
export type GapOf = (set: string) => SetGap | undefined;

/** A rule that names a set with a gap. */
export interface Doubt {
  readonly rule: Rule;
  readonly set: string;
  readonly gap: SetGap;
  /** The rule could let through what it should not. */
  readonly unsafe: boolean;
}

/** Of the rules of policies and profiles; the first doubt of each. */
export function doubts(rules: readonly Rule[], gapOf: GapOf): Doubt[] {
  return rules.flatMap((rule) => {
    if (rule.origin.type !== 'policy') return [];
    const found = [rule.match.source, rule.match.destination].flatMap((side) => sideDoubts(rule, side, gapOf));
    return found.find(({ unsafe }) => unsafe) ?? found[0] ?? [];
  });
}

function sideDoubts(rule: Rule, side: SideMatch = {}, gapOf: GapOf): Doubt[] {
  const of = (sets: readonly string[] = [], negated: boolean): Doubt[] =>
    sets.flatMap((set) => {
      const gap = gapOf(set);
      return gap ? [{ rule, set, gap, unsafe: isUnsafe(rule, gap, negated) }] : [];
    });
  return [
    ...of(side.sets, false),
    ...of(side.portSets, false),
    ...of(side.notSets, true),
    ...of(side.notPortSets, true),
  ];
}

function isUnsafe({ action }: Rule, gap: SetGap, negated: boolean): boolean {
  if (gap.absent) return true;
  const tooFew = negated ? gap.extra : gap.missing;
  const tooMany = negated ? gap.missing : gap.extra;
  if (action.type === 'log') return false;
  if (action.type === 'policy' && action.verdict === 'allow') return tooMany;
  return action.type === 'policy' || tooFew;
}
