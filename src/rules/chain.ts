/**
 * Backend-neutral chains: the one description of what happens to a packet.
 *
 * They are compiled from policy, executed by the evaluator, and lowered (chains → chains) to what a backend can say;
 * only then rendered. Neutral chains speak of marks by name and of verdicts of policy (allow, pass); lowering turns
 * both into mark bits.
 */
import type { IcmpMatch, PacketRate, RuleAction } from '../model/index.ts';
import type { Cidr, Ip, PortRange, Protocol } from '../net/index.ts';
import type { Origin } from './origin.ts';

/**
 * Named mark bits. `workload`: came in by a workload's interface (raw table only; it shares a bit with `scratch0`).
 * `scratch0` and `scratch1` exist only after lowering.
 */
export type Mark = 'accept' | 'pass' | 'workload' | 'scratch0' | 'scratch1';

export type ConntrackState = 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED';

/** One side's addresses, ports and sets. A list is one condition: see each field. All conditions must hold. */
export interface SideMatch {
  /** In one of these. */
  readonly nets?: readonly Cidr[];
  /** In none of these. */
  readonly notNets?: readonly Cidr[];
  /** In every one of these sets (names as the evaluator's and the kernel's inputs know them: set ids). */
  readonly sets?: readonly string[];
  readonly notSets?: readonly string[];
  /** One of these ranges or in one of these `ip,port` sets. */
  readonly ports?: readonly PortRange[];
  readonly portSets?: readonly string[];
  readonly notPorts?: readonly PortRange[];
  readonly notPortSets?: readonly string[];
  /** The address is one of this host's own (iptables addrtype LOCAL), or not. */
  readonly local?: boolean;
  /** The address is one of those of the interface that the packet leaves by, or not. */
  readonly localToOutInterface?: boolean;
}

export interface Match {
  /** An interface name, or a prefix when it ends in `+`. */
  readonly inInterface?: string;
  readonly notInInterface?: string;
  readonly outInterface?: string;
  readonly notOutInterface?: string;
  readonly protocol?: Protocol;
  readonly notProtocol?: Protocol;
  readonly icmp?: IcmpMatch;
  readonly notIcmp?: IcmpMatch;
  readonly source?: SideMatch;
  readonly destination?: SideMatch;
  readonly conntrack?: readonly ConntrackState[];
  /** The destination was changed by DNAT in this connection, or was not. */
  readonly dnatted?: boolean;
  readonly marked?: readonly Mark[];
  readonly notMarked?: readonly Mark[];
  /** No route back to the source leaves by the interface the packet came in by. */
  readonly reversePathFails?: boolean;
  /** Beyond what this rate lets pass of the packets that come to this rule. Neutral only. */
  readonly overPacketRate?: PacketRate;
  /** Within it; counted by this rule. Exists only after lowering. */
  readonly withinPacketRate?: PacketRate;
  /** Its connection is one more than so many of those, alive, that came to this rule. */
  readonly connectionsAbove?: number;
}

export type Action =
  /** Verdicts of policy; the packet leaves the policy's chain. Neutral only. */
  | { readonly type: 'policy'; readonly verdict: Exclude<RuleAction, 'log' | 'deny'> }
  | { readonly type: 'accept' | 'drop' | 'return' | 'notrack' }
  | { readonly type: 'reject'; readonly with?: 'tcp-reset' }
  | { readonly type: 'masquerade'; readonly ports?: PortRange }
  | { readonly type: 'jump' | 'goto'; readonly chain: string }
  /** By interface name to a chain; a packet of no listed interface goes on to the next rule. Neutral only. */
  | {
      readonly type: 'dispatch';
      readonly by: 'inInterface' | 'outInterface';
      readonly via: 'jump' | 'goto';
      readonly table: ReadonlyMap<string, string>;
    }
  | { readonly type: 'log'; readonly prefix: string }
  /** All named bits change at once; one that is in neither list stays. */
  | { readonly type: 'mark'; readonly set?: readonly Mark[]; readonly clear?: readonly Mark[] }
  | { readonly type: 'dscp'; readonly value: number }
  | { readonly type: 'dnat'; readonly to: Ip; readonly port?: number }
  | { readonly type: 'snat'; readonly to: Ip; readonly ports?: PortRange };

export interface Rule {
  readonly match: Match;
  readonly action: Action;
  readonly origin: Origin;
  /** For people who read the kernel's tables. */
  readonly comment?: string;
}

export interface Chain {
  readonly name: string;
  readonly rules: readonly Rule[];
}

export type TableName = 'raw' | 'mangle' | 'nat' | 'filter';
export type Hook = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';

/**
 * What one table of one family is to hold: our own chains, and for each of the kernel's chains the rules that lead into
 * ours (inserted first, or appended, as configured) and those that stand at the kernel chain's end.
 */
export interface TableChains {
  readonly chains: ReadonlyMap<string, Chain>;
  readonly hooks: Readonly<Partial<Record<Hook, { readonly entry: readonly Rule[]; readonly end?: readonly Rule[] }>>>;
}

export type Ruleset = Readonly<Record<TableName, TableChains>>;
