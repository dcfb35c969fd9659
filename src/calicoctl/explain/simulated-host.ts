/**
 * One host in memory: the same calc and rules that Felix runs there, fed from a snapshot of the datastore.
 *
 * What only the host itself knows is assumed: that the routes to its own workloads are in place, and that everything
 * else leaves by one uplink, which has the node's addresses. On the host itself its interfaces can be given.
 */
import { CalcGraph, DataplaneState } from '../../calc/index.ts';
import type { HostEndpoint, IPPool, Node, Update } from '../../model/index.ts';
import { type Cidr, cidr, cidrOf, contains, type Family, familyOf, type Ip, protocolName } from '../../net/index.ts';
import {
  ALL_HOSTS,
  ALL_POOLS,
  compileHost,
  evaluate,
  lowerRuleset,
  MASQUERADED_POOLS,
  type Packet,
  type RulesConfig,
  type Ruleset,
  type Trace,
  VXLAN_HOSTS,
  type World,
} from '../../rules/index.ts';

/** A host's configuration, given the parameters that the datastore has for it, and the pools. */
export type ConfigOf = (
  node: string,
  parameters: NonNullable<DataplaneState['config']>,
  pools: Iterable<IPPool>,
  own: Node | undefined,
) => RulesConfig;

/** Interface → its addresses. */
export type Interfaces = ReadonlyMap<string, readonly Ip[]>;

export class SimulatedHost {
  readonly node: string;
  readonly state = new DataplaneState();
  /** The interface towards other hosts. */
  readonly uplink: string;
  readonly interfaces: Interfaces;
  readonly config: RulesConfig;
  readonly #own: Node | undefined;
  readonly #rulesets = new Map<Family, Ruleset>();

  constructor(node: string, updates: readonly Update[], configOf: ConfigOf, interfaces?: Interfaces) {
    this.node = node;
    const graph = new CalcGraph({ node });
    graph.onUpdates(updates);
    graph.onStatus('in-sync');
    graph.flush((update) => this.state.apply(update));
    this.#own = updates.find((update) => update.id.kind === 'Node' && update.id.name === node)?.value as
      | Node
      | undefined;
    const parameters = this.state.config ?? { global: {}, node: {} };
    this.config = configOf(node, parameters, this.state.pools.values(), this.#own);
    const own = [this.#own?.ipv4, this.#own?.ipv6].filter((address): address is Ip => address !== undefined);
    const hostEndpoints = [...this.state.hostEndpoints.values()].map((host) => host.endpoint);
    this.uplink = (interfaces && interfaceWith(interfaces, own)) ?? uplinkOf(hostEndpoints, own);
    this.interfaces = interfaces ?? new Map([[this.uplink, own]]);
  }

  /** The interface of the local workload that has this address, as its own or as a floating IP. */
  interfaceOf(address: Ip): string | undefined {
    for (const { endpoint } of this.state.workloads.values())
      if (
        endpoint.nets.some((net) => contains(net, address)) ||
        endpoint.nats.some(({ external }) => external === address)
      )
        return endpoint.interfaceName;
    return undefined;
  }

  isLocal(address: Ip, interfaceName?: string): boolean {
    if (interfaceName !== undefined) return this.interfaces.get(interfaceName)?.includes(address) ?? false;
    return [...this.interfaces.values()].some((addresses) => addresses.includes(address));
  }

  /** The host's own address of that family, which masqueraded packets get. */
  address(family: Family): Ip | undefined {
    return family === 4 ? this.#own?.ipv4 : this.#own?.ipv6;
  }

  ruleset(family: Family): Ruleset {
    const known = this.#rulesets.get(family);
    if (known) return known;
    const compiled = compileHost({ ...this.state, interfaces: this.interfaces }, this.config, family);
    this.#rulesets.set(family, compiled);
    return compiled;
  }

  /** Carries a packet through the host's tables. */
  send(packet: Packet): Trace {
    return evaluate(this.ruleset(packet.family), packet, this.#world());
  }

  /** The same through the tables as the kernel has them: there every rule has a counter. */
  sendLowered(packet: Packet): { readonly ruleset: Ruleset; readonly trace: Trace } {
    const ruleset = lowerRuleset(this.ruleset(packet.family));
    return { ruleset, trace: evaluate(ruleset, packet, this.#world()) };
  }

  #world(): World {
    return {
      isLocal: (address, interfaceName) => this.isLocal(address, interfaceName),
      route: (address) => this.interfaceOf(address) ?? this.uplink,
      inSet: (set, member) => this.#inSet(set, member),
    };
  }

  #inSet(set: string, { address, protocol, port }: Parameters<World['inSet']>[1]): boolean {
    const computed = this.#computedSet(set);
    if (computed) return computed.some((net) => familyOf(net) === familyOf(address) && contains(net, address));
    const known = this.state.sets.get(set);
    if (!known) return false;
    if (known.type === 'ip,port' && protocol !== undefined)
      return known.members.has(`${address},${protocolName(protocol).toLowerCase()}:${port}`);
    return [...known.members].some(
      (member) => familyOf(member) === familyOf(address) && contains(cidr(member), address),
    );
  }

  /** Sets that are made from pools and nodes. */
  #computedSet(set: string): Cidr[] | undefined {
    const pools = [...this.state.pools.values()];
    if (set === ALL_POOLS) return pools.map((pool) => pool.cidr);
    if (set === MASQUERADED_POOLS) return pools.filter((pool) => pool.natOutgoing).map((pool) => pool.cidr);
    const ends = [...this.state.vteps.values()].filter(({ local }) => !local);
    if (set === VXLAN_HOSTS) return ends.map(({ host }) => cidrOf(host));
    if (set !== ALL_HOSTS) return undefined;
    return [...this.state.nodes.values()].flatMap((node) => (node.ipv4 ? [cidrOf(node.ipv4)] : []));
  }
}

function interfaceWith(interfaces: Interfaces, addresses: readonly Ip[]): string | undefined {
  return [...interfaces].find(([, own]) => own.some((address) => addresses.includes(address)))?.[0];
}

/** Of the interfaces that host endpoints name: the one that has the node's address, else the first. */
function uplinkOf(hostEndpoints: readonly HostEndpoint[], own: readonly Ip[]): string {
  const named = hostEndpoints.filter(({ interfaceName }) => interfaceName !== '' && interfaceName !== '*');
  const known = named.find(({ expectedIps }) => expectedIps.some((address) => own.includes(address)));
  return (known ?? named[0])?.interfaceName ?? 'eth0';
}
