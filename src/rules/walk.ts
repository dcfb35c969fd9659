/** One pass through a chain and those it leads to. */
import type { Action, Chain, Match, Rule } from './chain.ts';
import type { Translation } from './evaluate.ts';
import { isLimit } from './limits.ts';
import type { InFlight } from './matches.ts';

export type Outcome = 'accept' | 'drop' | 'reject' | { readonly translation: Translation };

export interface Walk {
  readonly chains: ReadonlyMap<string, Chain>;
  /** Its marks and conntrack state change on the way. */
  readonly packet: InFlight;
  matches(match: Match): boolean;
  met(chain: string, ruleIndex: number, rule: Rule): void;
  /** The rule is for packets beyond a limit, and would be met by this one. */
  spared?(chain: string, ruleIndex: number, rule: Rule): void;
}

/** What ends the pass; `accept` also at the end of the kernel's own chain. */
export function walk(start: Chain, context: Walk): Outcome {
  return walkChain(start, context) ?? 'accept';
}

/** Null: the packet returns to the caller. */
function walkChain(chain: Chain, context: Walk): Outcome | null {
  for (const [index, rule] of chain.rules.entries()) {
    if (!context.matches(rule.match)) continue;
    if (isLimit(rule.match)) {
      context.spared?.(chain.name, index, rule);
      continue;
    }
    const target = dispatched(rule.action, context.packet);
    if (rule.action.type === 'dispatch' && target === undefined) continue;
    context.met(chain.name, index, rule);
    const result = act(rule.action, target, context);
    if (result === 'return') return null;
    if (result !== null) return result;
  }
  return null;
}

function dispatched(action: Action, packet: InFlight): string | undefined {
  if (action.type !== 'dispatch') return undefined;
  const name = action.by === 'inInterface' ? packet.inInterface : packet.outInterface;
  return name === undefined ? undefined : action.table.get(name);
}

/** Null: on to the next rule. */
function act(action: Action, target: string | undefined, context: Walk): Outcome | 'return' | null {
  switch (action.type) {
    case 'accept':
    case 'drop':
    case 'reject':
    case 'return':
      return action.type;
    case 'jump':
      return walkNamed(action.chain, context);
    case 'goto':
      return walkNamed(action.chain, context) ?? 'return';
    case 'dispatch':
      return walkNamed(target as string, context) ?? (action.via === 'goto' ? 'return' : null);
    case 'policy':
      context.packet.marks.add(action.verdict === 'allow' ? 'accept' : 'pass');
      return 'return';
    case 'mark':
      for (const mark of action.clear ?? []) context.packet.marks.delete(mark);
      for (const mark of action.set ?? []) context.packet.marks.add(mark);
      return null;
    case 'notrack':
      context.packet.conntrack = 'UNTRACKED';
      return null;
    case 'log':
    case 'dscp':
      return null;
    case 'masquerade':
      return { translation: { type: 'masquerade' } };
    case 'dnat':
      return { translation: { type: 'dnat', to: action.to, ...(action.port !== undefined && { port: action.port }) } };
    case 'snat':
      return { translation: { type: 'snat', to: action.to } };
  }
}

function walkNamed(name: string, context: Walk): Outcome | null {
  const chain = context.chains.get(name);
  if (!chain) throw new TypeError(`a rule leads to a chain that does not exist: ${name}`);
  return walkChain(chain, context);
}
