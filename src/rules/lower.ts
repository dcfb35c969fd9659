/**
 * Lowering: chains → chains that iptables can say. A match has one list of addresses and ports a side at most, verdicts of
 * policy become marks, a dispatch becomes a tree of chains.
 */
import { PLUMBING, RETURN, rule, setMark } from './build.ts';
import type { Action, Chain, Rule, Ruleset, TableName } from './chain.ts';
import { lowerPacketRate } from './limits.ts';
import { lowerDispatch } from './lower-dispatch.ts';
import { lowerMatch } from './lower-match.ts';

export interface LoweringOptions {
  /** How many ports one match can list; a range counts as two. */
  readonly portSlots: number;
  /** A chain of a dispatch tree is split by the next character of the names when it has more entries than this. */
  readonly dispatchFanOut: number;
}

export const IPTABLES_LIMITS: LoweringOptions = { portSlots: 15, dispatchFanOut: 16 };

/** The chain itself first, then the chains that a dispatch in it needs. A lowered chain is lowered to itself. */
export function lower(chain: Chain, options: LoweringOptions = IPTABLES_LIMITS): Chain[] {
  const at = chain.rules.findIndex(({ action }) => action.type === 'dispatch');
  if (at < 0) return [{ name: chain.name, rules: chain.rules.flatMap((r) => lowerRule(r, options)) }];
  const before = chain.rules.slice(0, at).flatMap((r) => lowerRule(r, options));
  const rest = chain.rules.slice(at + 1).flatMap((r) => lowerRule(r, options));
  const [root, ...children] = lowerDispatch(chain.name, chain.rules[at] as Rule, rest, options.dispatchFanOut);
  return [{ name: chain.name, rules: [...before, ...(root as Chain).rules] }, ...children];
}

function lowerRule(original: Rule, options: LoweringOptions): Rule[] {
  const { overPacketRate } = original.match;
  if (overPacketRate) return lowerPacketRate(original, overPacketRate);
  const { prelude, match } = lowerMatch(original.match, options.portSlots);
  return [...prelude, ...lowerAction({ ...original, match })];
}

function lowerAction(original: Rule): Rule[] {
  if (original.action.type !== 'policy') return [original];
  const mark = original.action.verdict === 'allow' ? 'accept' : 'pass';
  const action: Action = setMark(mark);
  return [{ ...original, action }, rule({ marked: [mark] }, RETURN, PLUMBING)];
}

/** Every chain of every table. */
export function lowerRuleset(ruleset: Ruleset, options: LoweringOptions = IPTABLES_LIMITS): Ruleset {
  const table = (name: TableName) => {
    const chains = [...ruleset[name].chains.values()].flatMap((chain) => lower(chain, options));
    return { ...ruleset[name], chains: new Map(chains.map((chain) => [chain.name, chain])) };
  };
  return { raw: table('raw'), mangle: table('mangle'), nat: table('nat'), filter: table('filter') };
}
