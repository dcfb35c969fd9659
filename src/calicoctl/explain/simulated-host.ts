/**
 * One host in memory: the same calc and rules that Felix runs there, fed from a snapshot of the datastore.
 *
 * What only the host itself knows is assumed: that the routes to its own workloads are in place, and that everything
 * else leaves by one uplink, which has the node's addresses.
 */
import { CalcGraph, DataplaneState } from '../../calc/index.ts';
import type { HostEndpoint, Node, Update } from '../../model/index.ts';
import { type Cidr, cidr, contains, familyOf, type Ip, protocolName } from '../../net/index.ts';
import {
  ALL_POOLS,
  compileHost,
  evaluate,
  MASQUERADED_POOLS,
  type Packet,
  type RulesConfig,
  type Trace,
  type World,
} from '../../rules/index.ts';

/** A host's configuration, given the parameters that the datastore has for it. */
export type ConfigOf = (node: string, parameters: NonNullable<DataplaneState['config']>) => RulesConfig;

export class SimulatedHost {
  readonly node: string;
  readonly state = new DataplaneState();
  /** The interface towards other hosts. */
  readonly uplink: string;
  readonly #addresses: readonly Ip[];
  readonly #config: RulesConfig;

  constructor(node: string, updates: readonly Update[], configOf: ConfigOf) {
    this.node = node;
    const graph = new CalcGraph({ node });
    graph.onUpdates(updates);
    graph.onStatus('in-sync');
    graph.flush((update) => this.state.apply(update));
    this.#config = configOf(node, this.state.config ?? { global: {}, node: {} });
    const own = updates.find((update) => update.id.kind === 'Node' && update.id.name === node)?.value as
      | Node
      | undefined;
    this.#addresses = [own?.ipv4, own?.ipv6].filter((address): address is Ip => address !== undefined);
    this.uplink = namedInterface([...this.state.hostEndpoints.values()].map((host) => host.endpoint)) ?? 'eth0';
  }

  /** The interface of the local workload that has this address. */
  interfaceOf(address: Ip): string | undefined {
    for (const { endpoint } of this.state.workloads.values())
      if (endpoint.nets.some((net) => contains(net, address))) return endpoint.interfaceName;
    return undefined;
  }

  isLocal(address: Ip): boolean {
    return this.#addresses.includes(address);
  }

  /** Carries a packet through the host's tables. */
  send(packet: Packet): Trace {
    const interfaces = new Map([[this.uplink, this.#addresses]]);
    const ruleset = compileHost({ ...this.state, interfaces }, this.#config, packet.family);
    return evaluate(ruleset, packet, this.#world());
  }

  #world(): World {
    return {
      isLocal: (address) => this.isLocal(address),
      route: (address) => this.interfaceOf(address) ?? this.uplink,
      inSet: (set, member) => this.#inSet(set, member),
    };
  }

  #inSet(set: string, { address, protocol, port }: Parameters<World['inSet']>[1]): boolean {
    if (set === ALL_POOLS) return this.#pools(() => true).some((pool) => contains(pool, address));
    if (set === MASQUERADED_POOLS)
      return this.#pools((pool) => pool.natOutgoing).some((pool) => contains(pool, address));
    const known = this.state.sets.get(set);
    if (!known) return false;
    if (known.type === 'ip,port' && protocol !== undefined)
      return known.members.has(`${address},${protocolName(protocol).toLowerCase()}:${port}`);
    return [...known.members].some(
      (member) => familyOf(member) === familyOf(address) && contains(cidr(member), address),
    );
  }

  #pools(wanted: (pool: { natOutgoing: boolean }) => boolean): Cidr[] {
    return [...this.state.pools.values()].filter(wanted).map((pool) => pool.cidr);
  }
}

function namedInterface(hostEndpoints: readonly HostEndpoint[]): string | undefined {
  return hostEndpoints.map((host) => host.interfaceName).find((name) => name !== '' && name !== '*');
}
