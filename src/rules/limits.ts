/**
 * A workload's packet rate and number of connections, as rules of its chains. How much there is of either only the kernel
 * knows: the evaluator takes every limit as not reached, and names it.
 */
import type { Direction, PacketRate, ResourceId, TrafficLimits } from '../model/index.ts';
import { TCP } from '../net/index.ts';
import { clearMark, DROP, PLUMBING, rule, setMark } from './build.ts';
import type { Match, Rule } from './chain.ts';
import type { Origin } from './origin.ts';

type LimitOrigin = Extract<Origin, { type: 'limit' }>;

export interface LimitSpec {
  readonly endpoint: ResourceId;
  readonly direction: Direction;
  readonly limits?: TrafficLimits;
}

/** For every packet, and so ahead of what lets packets of established connections pass. */
export function packetRateRules({ limits, direction, endpoint }: LimitSpec): Rule[] {
  if (!limits?.packetRate) return [];
  const origin: LimitOrigin = { type: 'limit', of: 'packet-rate', endpoint, direction };
  return [
    rule({ overPacketRate: limits.packetRate }, DROP, origin, `Drop packets over ${direction} packet rate limit`),
  ];
}

/** For the first packet of a connection, and so behind what lets the others pass. */
export function connectionRules({ limits, direction, endpoint }: LimitSpec): Rule[] {
  if (limits?.maxConnections === undefined) return [];
  const match: Match = { protocol: TCP, connectionsAbove: limits.maxConnections };
  const origin: LimitOrigin = { type: 'limit', of: 'connections', endpoint, direction };
  const reset = { type: 'reject', with: 'tcp-reset' } as const;
  return [rule(match, reset, origin, `Reject connections over ${direction} connection limit`)];
}

/** Does the rule apply to what is beyond a limit? */
export function isLimit({ overPacketRate, connectionsAbove }: Match): boolean {
  return overPacketRate !== undefined || connectionsAbove !== undefined;
}

/** iptables can tell the packets within a rate, not those beyond: the former are marked, and the others dropped. */
export function lowerPacketRate(original: Rule, rate: PacketRate): Rule[] {
  const { overPacketRate: _, ...match } = original.match;
  const direction = original.origin.type === 'limit' ? `${original.origin.direction} ` : '';
  const clear = rule({}, clearMark('scratch0'), PLUMBING, `Clear ${direction}packet rate limit mark`);
  const within = `Mark packets within ${direction}packet rate limit`;
  return [
    clear,
    rule({ ...match, withinPacketRate: rate }, setMark('scratch0'), PLUMBING, within),
    { ...original, match: { ...match, notMarked: ['scratch0'] } },
    clear,
  ];
}
