/** What differs between two lists of targets, or of rules, found for what is alike in most of them. */
import { isDeepStrictEqual } from 'node:util';
import type { Rule } from '../rules/index.ts';

/** Two lists without what they begin and end with alike: one more endpoint in a dispatch is one target more. */
export function between<T>(a: readonly T[], b: readonly T[]): [readonly T[], readonly T[]] {
  const most = Math.min(a.length, b.length);
  let start = 0;
  while (start < most && a[start] === b[start]) start++;
  let end = 0;
  while (end < most - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  return [a.slice(start, a.length - end), b.slice(start, b.length - end)];
}

export function sameRules(before: readonly Rule[], after: readonly Rule[]): boolean {
  return before.length === after.length && before.every((rule, i) => sameRule(rule, after[i]!));
}

/** Most rules of a tree lead on by an interface: to look at all that they could be would cost more than to render them. */
function sameRule(a: Rule, b: Rule): boolean {
  if (!leadsByInterface(a) || !leadsByInterface(b)) return isDeepStrictEqual(a, b);
  const [from, to] = [a.match, b.match];
  const same = from.inInterface === to.inInterface && from.outInterface === to.outInterface;
  return same && a.action.chain === b.action.chain && a.action.type === b.action.type;
}

type Jump = Extract<Rule['action'], { type: 'jump' | 'goto' }>;

function leadsByInterface(rule: Rule): rule is Rule & { action: Jump } {
  if (rule.action.type !== 'goto' && rule.action.type !== 'jump') return false;
  for (const key in rule.match) if (key !== 'inInterface' && key !== 'outInterface') return false;
  return rule.comment === undefined;
}
