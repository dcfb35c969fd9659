/**
 * Lists that one iptables rule cannot say (several prefixes, more ports than fit, ports and named ports) are worked out into
 * a scratch mark by rules ahead of the one that needs them: `scratch0` says that all lists so far hold, `scratch1` that one
 * of the present list does.
 */
import type { PortRange, Protocol } from '../net/index.ts';
import { clearMark, rule, setMark } from './build.ts';
import type { Action, Mark, Match, Rule, SideMatch } from './chain.ts';

type Side = 'source' | 'destination';
const SIDES: readonly Side[] = ['source', 'destination'];

export interface LoweredMatch {
  readonly prelude: readonly Rule[];
  readonly match: Match;
}

export function lowerMatch(match: Match, portSlots: number): LoweredMatch {
  const blocks = new Blocks();
  const { source, destination, ...rest } = match;
  const lowered: { source?: SideMatch; destination?: SideMatch } = {};
  for (const side of SIDES) {
    const conditions = match[side];
    if (conditions) lowered[side] = withoutPortBlock(side, conditions, match.protocol, portSlots, blocks);
  }
  for (const side of SIDES) if (lowered[side]) lowered[side] = withoutNetBlock(side, lowered[side], blocks);
  for (const side of SIDES) if (lowered[side]) lowered[side] = withoutNotNetBlock(side, lowered[side], blocks);
  if (blocks.rules.length === 0) return { prelude: [], match };
  const sides = Object.fromEntries(Object.entries(lowered).filter(([, side]) => Object.keys(side).length > 0));
  return {
    prelude: blocks.rules,
    match: { ...rest, ...sides, marked: [...(rest.marked ?? []), 'scratch0'] },
  };
}

function withoutPortBlock(
  side: Side,
  conditions: SideMatch,
  protocol: Protocol | undefined,
  portSlots: number,
  blocks: Blocks,
): SideMatch {
  const { ports = [], portSets = [], ...rest } = conditions;
  const chunks = portChunks(ports, portSlots);
  if (chunks.length + portSets.length <= 1) return conditions;
  blocks.anyOf([
    ...chunks.map((chunk): Match => ({ ...(protocol !== undefined && { protocol }), [side]: { ports: chunk } })),
    ...portSets.map((set): Match => ({ [side]: { portSets: [set] } })),
  ]);
  return rest;
}

function withoutNetBlock(side: Side, conditions: SideMatch, blocks: Blocks): SideMatch {
  const { nets = [], ...rest } = conditions;
  if (nets.length <= 1) return conditions;
  blocks.anyOf(nets.map((net) => ({ [side]: { nets: [net] } })));
  return rest;
}

function withoutNotNetBlock(side: Side, conditions: SideMatch, blocks: Blocks): SideMatch {
  const { notNets = [], ...rest } = conditions;
  // A rule has one word for the address of a side: either it is in this prefix, or it is not in that.
  if (notNets.length === 0 || (notNets.length === 1 && !conditions.nets)) return conditions;
  blocks.noneOf(notNets.map((net) => ({ [side]: { nets: [net] } })));
  return rest;
}

/** Ranges in groups that each fit one match: a port takes one slot, a range two. */
export function portChunks(ports: readonly PortRange[], slots: number): PortRange[][] {
  const chunks: PortRange[][] = [];
  let free = 0;
  for (const range of ports) {
    const cost = range.min === range.max ? 1 : 2;
    if (cost > free) {
      chunks.push([]);
      free = slots;
    }
    chunks[chunks.length - 1]?.push(range);
    free -= cost;
  }
  return chunks;
}

function reset(set: readonly Mark[], clear: readonly Mark[]): Action {
  return { type: 'mark', set, clear };
}

class Blocks {
  readonly rules: Rule[] = [];

  anyOf(alternatives: readonly Match[]): void {
    const first = this.rules.length === 0;
    this.rules.push(rule({}, first ? reset([], ['scratch0', 'scratch1']) : clearMark('scratch1')));
    const hit = setMark(first ? 'scratch0' : 'scratch1');
    this.rules.push(...alternatives.map((match) => rule(match, hit)));
    if (!first) this.rules.push(rule({ notMarked: ['scratch1'] }, clearMark('scratch0')));
  }

  noneOf(alternatives: readonly Match[]): void {
    if (this.rules.length === 0) this.rules.push(rule({}, reset(['scratch0'], ['scratch1'])));
    this.rules.push(...alternatives.map((match) => rule(match, clearMark('scratch0'))));
  }
}
