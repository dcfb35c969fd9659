/** The product's way from resources to what becomes of a packet on one host: calc, rules and the evaluator. */
import { CalcGraph, DataplaneState } from '../../src/calc/index.ts';
import type { BGPConfiguration, Update } from '../../src/model/index.ts';
import { type Cidr, contains, type Family, familyOf, type Ip, ip } from '../../src/net/index.ts';
import {
  ALL_POOLS,
  compileHost,
  DEFAULT_RULES_CONFIG,
  evaluate,
  MASQUERADED_POOLS,
  type Packet,
  type RulesConfig,
  type Ruleset,
  type Trace,
  type World,
} from '../../src/rules/index.ts';
import type { Fate } from '../naive/host.ts';
import type { Arrival, Machine, Resources } from '../naive/resources.ts';

export function updatesOf(resources: Resources): Update[] {
  const { tiers, sets, profiles, policies, hostEndpoints, pools, workloads, services } = resources;
  const values = [...tiers, ...sets, ...profiles, ...policies, ...hostEndpoints, ...pools, ...workloads];
  const advertised: BGPConfiguration = {
    id: { kind: 'BGPConfiguration', name: 'default' },
    serviceClusterIps: services,
    serviceExternalIps: [],
    serviceLoadBalancerIps: [],
  };
  return [...values, advertised].map((value) => ({ id: value.id, value }) as Update);
}

export function configOf({ endpointToHost, failsafeIn, failsafeOut }: Machine): RulesConfig {
  return {
    ...DEFAULT_RULES_CONFIG,
    endpointToHostAction: endpointToHost,
    failsafeInbound: failsafeIn,
    failsafeOutbound: failsafeOut,
    workloadSourceSpoofing: true,
  };
}

export type Change = (ruleset: Ruleset) => Ruleset;

export class OneHost {
  readonly state = new DataplaneState();
  readonly #machine: Machine;
  /** As compiled, and as changed: by the change, by family. */
  readonly #rulesets = new Map<Change | null, Map<Family, Ruleset>>();

  constructor(machine: Machine, resources: Resources) {
    this.#machine = machine;
    const graph = new CalcGraph({ node: machine.node });
    graph.onUpdates(updatesOf(resources));
    graph.onStatus('in-sync');
    graph.flush((update) => this.state.apply(update));
  }

  /** As compiled, not yet lowered; or changed so. */
  ruleset(family: Family, change?: Change): Ruleset {
    const known = this.#rulesets.get(change ?? null) ?? new Map<Family, Ruleset>();
    this.#rulesets.set(change ?? null, known);
    const ruleset = known.get(family) ?? (change ? change(this.ruleset(family)) : this.#compile(family));
    known.set(family, ruleset);
    return ruleset;
  }

  trace(arrival: Arrival, change?: Change): Trace {
    return evaluate(this.ruleset(familyOf(arrival.source), change), packetOf(arrival), this.#world);
  }

  /** What becomes of the packet, when the host's chains are changed so. */
  fate(arrival: Arrival, change?: Change): Fate {
    return fateOf(arrival, this.trace(arrival, change));
  }

  #compile(family: Family): Ruleset {
    const interfaces = new Map(Object.entries(this.#machine.uplinks).map(([name, ips]) => [name, ips.map(ip)]));
    return compileHost({ ...this.state, interfaces }, configOf(this.#machine), family);
  }

  #route(address: Ip): string | null {
    const nets: [Cidr, string][] = Object.entries(this.#machine.routes) as [Cidr, string][];
    const found = nets.filter(([net]) => contains(net, address)).toSorted(([a], [b]) => lengthOf(b) - lengthOf(a));
    for (const { endpoint } of this.state.workloads.values()) {
      if (endpoint.nets.some((net) => contains(net, address))) return endpoint.interfaceName;
      if (endpoint.nats.some(({ external }) => external === address)) return endpoint.interfaceName;
    }
    return found[0]?.[1] ?? null;
  }

  #inSet(id: string, { address, protocol, port }: Parameters<World['inSet']>[1]): boolean {
    const pools = [...this.state.pools.values()];
    if (id === ALL_POOLS) return pools.some(({ cidr }) => contains(cidr, address));
    if (id === MASQUERADED_POOLS) return pools.some(({ cidr, natOutgoing }) => natOutgoing && contains(cidr, address));
    const set = this.state.sets.get(id);
    if (!set) throw new Error(`a rule names a set that calc did not tell: ${id}`);
    if (set.type === 'ip,port')
      return set.members.has(`${address},${protocol === 6 ? 'tcp' : protocol === 17 ? 'udp' : 'sctp'}:${port}`);
    return [...set.members].some((net) => contains(net as Cidr, address));
  }

  readonly #world: World = {
    inSet: (id, member) => this.#inSet(id, member),
    isLocal: (address, on) =>
      Object.entries(this.#machine.uplinks).some(
        ([name, own]) => (on === undefined || on === name) && own.includes(address),
      ),
    route: (destination) => this.#route(destination),
  };
}

function packetOf({ by, state, ...opening }: Arrival): Packet {
  const source = ip(opening.source);
  return {
    ...opening,
    source,
    destination: ip(opening.destination),
    family: familyOf(source),
    ...(by !== null && { inInterface: by }),
    conntrack: state,
    marks: new Set(),
  };
}

function fateOf({ destination }: Arrival, { verdict, translations, outInterface, unrouted }: Trace): Fate {
  if (verdict !== 'accept' || unrouted) return 'drop';
  const to = translations.findLast(({ type }) => type === 'dnat')?.to ?? destination;
  const masked = translations.some(({ type }) => type !== 'dnat') ? ' (nat)' : '';
  return `${outInterface ?? 'host'} ${to}${masked}`;
}

function lengthOf(net: string): number {
  return Number(net.split('/')[1]);
}
