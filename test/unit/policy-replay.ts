/** The network of a recorded scenario in memory: hosts that evaluate, and wires between them. */
import type { DataplaneState } from '../../src/calc/index.ts';
import { type Cidr, contains, type Family, ICMP, ICMPV6, type Ip, ip, parseProtocol } from '../../src/net/index.ts';
import { compileHost, evaluate, type Packet, type Ruleset, type Trace, type World } from '../../src/rules/index.ts';
import { addressesOf, configOf, type Step, stateOf } from './policy-scenarios.ts';

export interface Topology {
  readonly hosts: Readonly<Record<string, unknown>>;
  readonly outside?: Readonly<Record<string, { extra_ips?: readonly string[] }>>;
  readonly workloads: Readonly<
    Record<
      string,
      {
        host: string;
        iface: string;
        ips: readonly string[];
        routed_ips?: readonly string[];
        extra_ips?: readonly string[];
      }
    >
  >;
}

/** As packets.json has it. */
export interface Probe {
  readonly from: string;
  readonly to: string;
  readonly dst?: string;
  readonly ip: Family;
  readonly proto: string;
  readonly port?: number;
  readonly sport?: number;
  readonly src?: string;
  readonly type?: number;
  readonly code?: number;
  readonly verdict: string;
  readonly source?: string;
}

type Change = ((ruleset: Ruleset) => Ruleset) | undefined;
type Flow = Omit<Packet, 'inInterface'>;

const OUTSIDE = 'out';
const OUTSIDE_ADDRESSES = ['172.30.0.100', 'fd00:30::100'].map(ip);
const bare = (address: string): Ip => ip(address.split('/')[0] as string);

export class Replay {
  readonly #scenario: string;
  readonly #topology: Topology;
  readonly #step: Step;
  readonly #hosts = new Map<string, ReplayHost>();

  constructor(scenario: string, topology: Topology, step: Step) {
    this.#scenario = scenario;
    this.#topology = topology;
    this.#step = step;
  }

  /** `source`: the address that the server sees. */
  send(probe: Probe, change: Change): { passes: boolean; source: string } {
    let packet = this.#packet(probe);
    const workload = this.#topology.workloads[probe.from];
    let at: string | undefined =
      workload?.host ?? (probe.from in this.#topology.hosts ? probe.from : this.#next(packet.destination));
    let inInterface: string | undefined = workload?.iface ?? (at === probe.from ? undefined : 'eth0');
    // A packet to the host itself is sent, and then received; one that nobody has is passed around until it is dropped.
    for (let hop = 0; at !== undefined && at !== OUTSIDE && hop < 4; hop++) {
      const host = this.#host(at);
      const trace = host.carry({ ...packet, ...(inInterface !== undefined && { inInterface }) }, change);
      if (trace.verdict !== 'accept' || trace.unrouted) break;
      packet = host.translated(packet, trace);
      inInterface = trace.outInterface;
      if (inInterface === 'eth0') at = this.#next(packet.destination);
      else if (inInterface !== 'lo') return { passes: true, source: packet.source };
    }
    return { passes: at === OUTSIDE, source: packet.source };
  }

  #packet({ from, to, dst, ip: family, proto, port, sport, src, type, code }: Probe): Flow {
    const icmp = proto === 'icmp' && { icmpType: type ?? (family === 4 ? 8 : 128), icmpCode: code ?? 0 };
    const ports = (proto === 'tcp' || proto === 'udp') && {
      sourcePort: sport ?? 40000,
      destinationPort: port as number,
    };
    return {
      family,
      protocol: proto === 'icmp' ? (family === 4 ? ICMP : ICMPV6) : (parseProtocol(proto.replace(/^ip/, '')) as number),
      source: ip(src ?? ((dst ?? to).startsWith('ff02:') ? this.#linkLocal(from) : this.#addressOf(from, family))),
      destination: ip(dst ?? to),
      ...icmp,
      ...ports,
      conntrack: 'NEW',
      marks: new Set(),
    };
  }

  /** From the MAC address, 02:00:00:00:00:NN in the order of the file. */
  #linkLocal(workload: string): string {
    return `fe80::ff:fe00:${Object.keys(this.#topology.workloads).indexOf(workload) + 1}`;
  }

  #addressOf(name: string, family: Family): string {
    const { workloads, hosts } = this.#topology;
    const all: readonly string[] = workloads[name]?.ips ?? (name in hosts ? addressesOf(name) : OUTSIDE_ADDRESSES);
    return all.find((a) => a.includes(':') === (family === 6)) as string;
  }

  /** Who is next on the wire for a destination: the host that has it, or whose workload has it. */
  #next(destination: Ip): string | undefined {
    const { workloads, hosts } = this.#topology;
    const host = Object.keys(hosts).find((name) => addressesOf(name).includes(destination));
    if (host) return host;
    const outside = Object.values(this.#topology.outside ?? {}).flatMap(({ extra_ips }) => extra_ips ?? []);
    if ([...OUTSIDE_ADDRESSES, ...outside.map(bare)].includes(destination)) return OUTSIDE;
    return Object.values(workloads).find((w) =>
      [...w.ips, ...(w.routed_ips ?? []), ...(w.extra_ips ?? [])].some((a) => bare(a) === destination),
    )?.host;
  }

  #host(name: string): ReplayHost {
    const host = this.#hosts.get(name) ?? new ReplayHost(this.#scenario, name, this.#topology, this.#step);
    this.#hosts.set(name, host);
    return host;
  }
}

class ReplayHost {
  readonly #state: DataplaneState;
  readonly #addresses: readonly Ip[];
  readonly #compile: (family: Family) => Ruleset;
  readonly #rulesets = new Map<string, Ruleset>();
  readonly #interfaces: ReadonlySet<string>;

  constructor(scenario: string, name: string, { workloads }: Topology, step: Step) {
    this.#state = stateOf(name, step);
    this.#addresses = addressesOf(name);
    this.#interfaces = new Set(
      Object.values(workloads)
        .filter(({ host }) => host === name)
        .map(({ iface }) => iface),
    );
    const interfaces = new Map([['eth0', this.#addresses]]);
    const config = configOf(scenario, name, this.#state);
    this.#compile = (family) => compileHost({ ...this.#state, interfaces }, config, family);
  }

  carry(packet: Packet, change: Change): Trace {
    const key = `${packet.family} ${change?.name}`;
    let ruleset = this.#rulesets.get(key);
    if (!ruleset) {
      const compiled = this.#compile(packet.family);
      ruleset = change ? change(compiled) : compiled;
      this.#rulesets.set(key, ruleset);
    }
    return evaluate(ruleset, packet, this.#world);
  }

  translated(packet: Flow, { translations }: Trace): Flow {
    let { source, destination, destinationPort } = packet;
    for (const { type, to, port } of translations) {
      if (type === 'dnat') [destination, destinationPort] = [to ?? destination, port ?? destinationPort];
      else source = to ?? (this.#addresses.find((a) => a.includes(':') === (packet.family === 6)) as Ip);
    }
    return { ...packet, source, destination, ...(destinationPort !== undefined && { destinationPort }) };
  }

  readonly #world: World = {
    inSet: (id, { address, protocol, port }) =>
      this.#members(id).some((member) =>
        member.includes(',')
          ? member === `${address},${protocol === 6 ? 'tcp' : 'udp'}:${port}`
          : contains(member as Cidr, address),
      ),
    isLocal: (address) => this.#addresses.includes(address) || /^(127\.|255\.255\.255\.255$|::1$|ff)/.test(address),
    route: (destination) => {
      for (const { endpoint } of this.#state.workloads.values()) {
        if (this.#interfaces.has(endpoint.interfaceName) && endpoint.nets.some((net) => contains(net, destination)))
          return endpoint.interfaceName;
      }
      return 'eth0';
    },
  };

  #members(id: string): readonly string[] {
    const pools = [...this.#state.pools.values()];
    if (id === 'all-ipam-pools') return pools.map(({ cidr }) => cidr);
    if (id === 'masq-ipam-pools') return pools.filter(({ natOutgoing }) => natOutgoing).map(({ cidr }) => cidr);
    const set = this.#state.sets.get(id);
    if (!set) throw new Error(`a rule names a set that calc did not tell: ${id}`);
    return [...set.members];
  }
}
