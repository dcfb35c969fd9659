/** What becomes of a packet on one machine: read from the manual, station by station. */
import type { Direction, HostEndpoint, WorkloadEndpoint } from '../../src/model/index.ts';
import { inPrefix, isV6 } from './address.ts';
import { policiesOf, type Role, say } from './policy.ts';
import type { Arrival, Machine, Resources } from './resources.ts';

/** `drop`; `host 172.30.0.1`: taken in; `eth0 10.0.0.1`: sent on by that interface to that address; `(nat)`: from another one. */
export type Fate = string;
const DROP = 'drop';

/** Solicitations and advertisements of neighbours and routers, and who listens to which group: never policed. */
const NEIGHBOURS = [130, 131, 132, 133, 135, 136];
const [UDP, ICMPV6, IPIP] = [17, 58, 4];
const VXLAN_PORT = 4789;

export function fate(resources: Resources, machine: Machine, packet: Arrival): Fate {
  return new OneHost(resources, machine).carry(packet);
}

class OneHost {
  readonly #resources: Resources;
  readonly #machine: Machine;

  constructor(resources: Resources, machine: Machine) {
    this.#resources = resources;
    this.#machine = machine;
  }

  carry(packet: Arrival): Fate {
    return packet.by === null ? this.#sent(packet) : this.#received(packet, packet.by);
  }

  #received(packet: Arrival, by: string): Fate {
    const fromWorkload = isWorkload(by);
    // A workload's packets come from where packets to it go.
    if (fromWorkload && !this.#isFrom(packet.source, by)) return DROP;
    const untracked = this.#guard(by, 'untracked');
    if (untracked && !fromWorkload) {
      const said = this.#failsafe('untracked', 'ingress', packet)
        ? 'nothing'
        : this.#say(untracked, 'ingress', 'untracked', packet);
      if (said === 'deny') return DROP;
      if (said === 'allow') return this.#translated({ ...packet, state: 'UNTRACKED' }, by, true);
    }
    const early = this.#guard(by, 'pre-dnat');
    if (early) {
      if (packet.state === 'INVALID') return DROP;
      const said = this.#failsafe('pre-dnat', 'ingress', packet)
        ? 'nothing'
        : this.#say(early, 'ingress', 'pre-dnat', packet);
      if (said === 'deny') return DROP;
      if (said === 'allow') return this.#translated(packet, by, true);
    }
    return this.#translated(packet, by, false);
  }

  /** `accepted`: by a policy of the interface's host endpoint that comes before; its other policies are not asked any more. */
  #translated(packet: Arrival, by: string, accepted: boolean): Fate {
    const inside = { ...packet, destination: this.#internal(packet) };
    if (this.#isOwn(inside.destination)) return this.#taken(inside, by, accepted) ? `host ${inside.destination}` : DROP;
    const out = this.#route(inside.destination);
    return this.#forwards(inside, by, out, accepted) ? this.#leaves(inside, out) : DROP;
  }

  #taken(packet: Arrival, by: string, accepted: boolean): boolean {
    if (isWorkload(by)) {
      if (packet.protocol === ICMPV6 && NEIGHBOURS.includes(packet.icmpType ?? 0)) return true;
      return this.#workloadAllows(by, 'egress', packet) && this.#machine.endpointToHost !== 'drop';
    }
    return accepted || this.#guardAllows(by, 'ingress', 'normal', packet);
  }

  #forwards(packet: Arrival, by: string, out: string, accepted: boolean): boolean {
    return (
      (accepted || this.#guardAllows(by, 'ingress', 'forward', packet)) &&
      (!isWorkload(by) || this.#workloadAllows(by, 'egress', packet)) &&
      (!isWorkload(out) || this.#workloadAllows(out, 'ingress', packet)) &&
      this.#guardAllows(out, 'egress', 'forward', packet) &&
      // A service's address that nobody translated would come back.
      !this.#resources.services.some((net) => inPrefix(net, packet.destination))
    );
  }

  #sent(packet: Arrival): Fate {
    const out = this.#route(packet.destination);
    const guard = this.#guard(out, 'untracked');
    if (guard && !this.#failsafe('untracked', 'egress', packet)) {
      const said = this.#say(guard, 'egress', 'untracked', packet);
      if (said === 'deny') return DROP;
      if (said === 'allow') return this.#leaves({ ...packet, state: 'UNTRACKED' }, out);
    }
    const inside = { ...packet, destination: this.#internal(packet) };
    // A host reaches its own workloads whatever the policy.
    if (!isWorkload(out) && !this.#guardAllows(out, 'egress', 'normal', inside)) return DROP;
    return this.#leaves(inside, this.#route(inside.destination));
  }

  #leaves({ state, source, destination }: Arrival, out: string): Fate {
    const { pools, workloads } = this.#resources;
    const isIn = (address: string, nets: readonly { cidr: string }[]) =>
      nets.some(({ cidr }) => inPrefix(cidr, address));
    const toItself =
      source === destination &&
      workloads.some(({ node, nats }) => node === this.#machine.node && nats.some((n) => n.internal === source));
    const outgoing =
      isIn(
        source,
        pools.filter((p) => p.natOutgoing),
      ) && !isIn(destination, pools);
    return `${out} ${destination}${state === 'NEW' && (toItself || outgoing) ? ' (nat)' : ''}`;
  }

  #workloadAllows(name: string, direction: Direction, packet: Arrival): boolean {
    const workload = this.#workloadOf(name);
    if (!workload || packet.state === 'INVALID') return false;
    const tunnels = packet.protocol === IPIP || (packet.protocol === UDP && packet.destinationPort === VXLAN_PORT);
    if (direction === 'egress' && tunnels) return false;
    return this.#say(workload, direction, 'normal', packet) === 'allow';
  }

  /** Where it says nothing, the packet goes on. */
  #guardAllows(by: string, direction: Direction, role: 'normal' | 'forward', packet: Arrival): boolean {
    const guard = this.#guard(by, role);
    if (!guard) return true;
    if (packet.state === 'INVALID') return false;
    return this.#failsafe(role, direction, packet) || this.#say(guard, direction, role, packet) !== 'deny';
  }

  /** Ports of the host itself that no policy closes. Before tracking, both halves of their connections. */
  #failsafe(role: Role, direction: Direction, packet: Arrival): boolean {
    if (role === 'forward') return false;
    const { failsafeIn, failsafeOut } = this.#machine;
    const [there, back] = direction === 'ingress' ? [failsafeIn, failsafeOut] : [failsafeOut, failsafeIn];
    const peer = direction === 'ingress' ? packet.source : packet.destination;
    const has = (list: Machine['failsafeIn'], port: number | undefined) =>
      list.some(
        (safe) =>
          safe.protocol === packet.protocol &&
          safe.port === port &&
          (safe.net === undefined || inPrefix(safe.net, peer)),
      );
    return has(there, packet.destinationPort) || (role === 'untracked' && has(back, packet.sourcePort));
  }

  #say(endpoint: WorkloadEndpoint | HostEndpoint, direction: Direction, role: Role, packet: Arrival) {
    return say(this.#resources, endpoint, direction, role, packet);
  }

  /**
   * The host endpoint that an interface is: by its name, by an address that it has, or the one for all others. What has no
   * policies before tracking (before DNAT) leaves those to the one for all others, as upstream does.
   */
  #guard(name: string, role: Role): HostEndpoint | undefined {
    const here = this.#resources.hostEndpoints
      .filter(({ node }) => node === this.#machine.node)
      .toSorted((a, b) => (a.id.name < b.id.name ? -1 : 1));
    const addresses = this.#machine.uplinks[name] ?? [];
    const isIt = ({ interfaceName, expectedIps }: HostEndpoint) =>
      interfaceName === '' ? expectedIps.some((ip) => addresses.includes(ip)) : interfaceName === name;
    const every = here.find(({ interfaceName }) => interfaceName === '*');
    const found = [here.find(isIt), every].filter((endpoint) => endpoint !== undefined);
    if (role === 'normal' || role === 'forward') return found[0];
    return found.find((endpoint) => policiesOf(this.#resources, endpoint, role).length > 0);
  }

  #workloadOf(name: string): WorkloadEndpoint | undefined {
    const { workloads } = this.#resources;
    return workloads.find(({ node, interfaceName }) => node === this.#machine.node && interfaceName === name);
  }

  #isFrom(source: string, name: string): boolean {
    const allowed = this.#workloadOf(name)?.allowedSources ?? [];
    if (inPrefix('fe80::/64', source) || allowed.some((net) => inPrefix(net, source))) return true;
    return this.#route(source) === name;
  }

  #internal({ destination, state }: Arrival): string {
    if (state !== 'NEW') return destination;
    const nats = this.#resources.workloads
      .filter(({ node }) => node === this.#machine.node)
      .flatMap(({ nats }) => nats);
    return nats.find(({ external }) => external === destination)?.internal ?? destination;
  }

  #isOwn(address: string): boolean {
    return Object.values(this.#machine.uplinks).some((own) => own.includes(address));
  }

  /** The interface by which packets to this address leave. */
  #route(address: string): string {
    const toWorkloads = this.#resources.workloads
      .filter(({ node }) => node === this.#machine.node)
      .flatMap(({ nets, nats, interfaceName }) =>
        [...nets, ...nats.map(({ external }) => `${external}/${isV6(external) ? 128 : 32}`)].map(
          (net) => [net, interfaceName] as const,
        ),
      );
    const all = [...toWorkloads, ...Object.entries(this.#machine.routes)];
    const length = (net: string) => Number(net.split('/')[1]);
    const found = all.filter(([net]) => inPrefix(net, address)).toSorted(([a], [b]) => length(b) - length(a));
    return this.#isOwn(address) ? 'lo' : (found[0]?.[1] ?? 'nowhere');
  }
}

function isWorkload(interfaceName: string): boolean {
  return interfaceName.startsWith('cali');
}
