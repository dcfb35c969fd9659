/** The product's way from resources to a verdict: calc, rules and the evaluator, for every host that the packet passes. */
import { CalcGraph, DataplaneState } from '../../src/calc/index.ts';
import type { Update } from '../../src/model/index.ts';
import { contains, type Family, familyOf, type Ip, ip } from '../../src/net/index.ts';
import {
  compileHost,
  DEFAULT_RULES_CONFIG,
  evaluate,
  type Packet,
  type Ruleset,
  type World,
} from '../../src/rules/index.ts';
import type { Opening, Resources } from '../naive/policy.ts';

const CONFIG = { ...DEFAULT_RULES_CONFIG, endpointToHostAction: 'accept' } as const;
const UPLINK = 'eth0';

export class ClusterHost {
  readonly #state = new DataplaneState();
  readonly #rulesets = new Map<Family, Ruleset>();

  constructor(name: string, resources: Resources) {
    const graph = new CalcGraph({ node: name });
    const values = [...resources.sets, ...resources.profiles, ...resources.policies, ...resources.workloads];
    graph.onUpdates(values.map((value) => ({ id: value.id, value }) as Update));
    graph.onStatus('in-sync');
    graph.flush((update) => this.#state.apply(update));
  }

  /** As compiled, not yet lowered. */
  ruleset(family: Family): Ruleset {
    const known = this.#rulesets.get(family) ?? compileHost({ ...this.#state, interfaces: new Map() }, CONFIG, family);
    this.#rulesets.set(family, known);
    return known;
  }

  has(address: string): boolean {
    return this.#interfaceOf(ip(address)) !== UPLINK;
  }

  allows(ruleset: Ruleset, opening: Opening): boolean {
    return evaluate(ruleset, this.#packet(opening), this.#world).verdict === 'accept';
  }

  #packet(opening: Opening): Packet {
    const source = ip(opening.source);
    return {
      ...opening,
      source,
      destination: ip(opening.destination),
      family: familyOf(source),
      inInterface: this.#interfaceOf(source),
      conntrack: 'NEW',
      marks: new Set(),
    };
  }

  #interfaceOf(address: Ip): string {
    for (const { endpoint } of this.#state.workloads.values()) {
      if (endpoint.nets.some((net) => contains(net, address))) return endpoint.interfaceName;
    }
    return UPLINK;
  }

  readonly #world: World = {
    inSet: (id, { address, protocol, port }) => {
      const set = this.#state.sets.get(id);
      if (!set) throw new Error(`a rule names a set that calc did not tell: ${id}`);
      if (set.type === 'ip,port')
        return set.members.has(`${address},${protocol === 6 ? 'tcp' : protocol === 17 ? 'udp' : 'sctp'}:${port}`);
      return [...set.members].some((net) => contains(net as Parameters<typeof contains>[0], address));
    },
    isLocal: () => false,
    route: (destination) => this.#interfaceOf(destination),
  };
}

/** May the packet pass every host on its way, when each host's chains are changed so? */
export function passes(
  hosts: readonly ClusterHost[],
  opening: Opening,
  change: (ruleset: Ruleset) => Ruleset,
): boolean {
  const family = familyOf(ip(opening.source));
  return hosts
    .filter((host) => host.has(opening.source) || host.has(opening.destination))
    .every((host) => host.allows(change(host.ruleset(family)), opening));
}
