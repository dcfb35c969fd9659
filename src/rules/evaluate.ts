/**
 * Carries one packet through a host's tables, neutral or lowered, as the kernel would, and tells which rules it met.
 */
import type { Ip } from '../net/index.ts';
import type { Hook, Mark, Rule, Ruleset, TableName } from './chain.ts';
import { decider } from './decider.ts';
import { type InFlight, matches } from './matches.ts';
import type { Packet, World } from './packet.ts';
import { type Outcome, walk } from './walk.ts';

export interface Step {
  readonly table: TableName;
  readonly hook: Hook;
  /** One of ours, or the kernel's (`FORWARD`) for the rules that lead into ours. */
  readonly chain: string;
  readonly ruleIndex: number;
  readonly rule: Rule;
}

export interface Translation {
  readonly type: 'dnat' | 'snat' | 'masquerade';
  /** Absent for masquerade: the address of the interface the packet leaves by. */
  readonly to?: Ip;
  readonly port?: number;
}

export interface Trace {
  readonly verdict: 'accept' | 'drop' | 'reject';
  /** The rules that matched, in their order. */
  readonly steps: readonly Step[];
  /** Rules for packets beyond a limit that this one would meet: every limit is taken as not reached. */
  readonly limits: readonly Step[];
  /** The rule to name when people ask why. Null: no rule of ours had a say; the packet passes (as far as we go). */
  readonly decider: Step | null;
  readonly translations: readonly Translation[];
  /** Absent: the packet stayed on the host, or got nowhere. */
  readonly outInterface?: string;
  /** Why a packet went nowhere although no rule dropped it. */
  readonly unrouted?: true;
}

/** Which tables a packet passes at each hook, in the kernel's order. */
const TABLES: Readonly<Record<Hook, readonly TableName[]>> = {
  PREROUTING: ['raw', 'mangle', 'nat'],
  INPUT: ['mangle', 'nat', 'filter'],
  FORWARD: ['mangle', 'filter'],
  OUTPUT: ['raw', 'mangle', 'nat', 'filter'],
  POSTROUTING: ['mangle', 'nat'],
};

export function evaluate(ruleset: Ruleset, packet: Packet, world: World): Trace {
  return new Journey(ruleset, packet, world).run();
}

class Journey {
  readonly #ruleset: Ruleset;
  readonly #world: World;
  readonly #packet: InFlight;
  readonly #steps: Step[] = [];
  readonly #limits: Step[] = [];
  readonly #translations: Translation[] = [];

  constructor(ruleset: Ruleset, packet: Packet, world: World) {
    this.#ruleset = ruleset;
    this.#world = world;
    this.#packet = { ...packet, marks: new Set<Mark>(packet.marks) };
  }

  run(): Trace {
    const packet = this.#packet;
    if (packet.inInterface === undefined) {
      packet.outInterface = this.#route();
      return this.#through('OUTPUT') ?? this.#leave();
    }
    const ended = this.#through('PREROUTING');
    if (ended) return ended;
    if (this.#world.isLocal(packet.destination)) return this.#through('INPUT') ?? this.#trace('accept');
    packet.outInterface = this.#route();
    if (packet.outInterface === undefined) return { ...this.#trace('drop'), unrouted: true };
    return this.#through('FORWARD') ?? this.#leave();
  }

  /** Destination NAT on the way out changes the route. */
  #leave(): Trace {
    this.#packet.outInterface = this.#route();
    if (this.#packet.outInterface === undefined) return { ...this.#trace('drop'), unrouted: true };
    return this.#through('POSTROUTING') ?? this.#trace('accept');
  }

  #route(): string | undefined {
    const { destination } = this.#packet;
    return this.#world.isLocal(destination) ? 'lo' : (this.#world.route(destination) ?? undefined);
  }

  /** Null when the packet goes on. */
  #through(hook: Hook): Trace | null {
    for (const table of TABLES[hook]) {
      // NAT is decided by a connection's first packet.
      if (table === 'nat' && this.#packet.conntrack !== 'NEW') continue;
      const outcome = this.#table(table, hook);
      if (outcome === 'drop' || outcome === 'reject') return this.#trace(outcome);
    }
    return null;
  }

  #table(table: TableName, hook: Hook): 'accept' | 'drop' | 'reject' {
    const { chains, hooks } = this.#ruleset[table];
    const rules = hooks[hook];
    if (!rules) return 'accept';
    const outcome = walk(
      { name: hook, rules: [...rules.entry, ...(rules.end ?? [])] },
      {
        chains,
        packet: this.#packet,
        matches: (match) => matches(match, this.#packet, this.#world),
        met: (chain, ruleIndex, rule) => this.#steps.push({ table, hook, chain, ruleIndex, rule }),
        spared: (chain, ruleIndex, rule) => this.#limits.push({ table, hook, chain, ruleIndex, rule }),
      },
    );
    return typeof outcome === 'string' ? outcome : this.#translate(outcome);
  }

  #translate({ translation }: Exclude<Outcome, string>): 'accept' {
    this.#translations.push(translation);
    const packet = this.#packet;
    if (translation.type === 'dnat' && translation.to !== undefined) {
      packet.originalDestination = packet.destination;
      packet.destination = translation.to;
      if (translation.port !== undefined) packet.destinationPort = translation.port;
    }
    return 'accept';
  }

  #trace(verdict: Trace['verdict']): Trace {
    const { outInterface } = this.#packet;
    return {
      verdict,
      steps: this.#steps,
      limits: this.#limits,
      decider: decider(verdict, this.#steps),
      translations: this.#translations,
      ...(outInterface !== undefined && { outInterface }),
    };
  }
}
