/** A packet's way from one place to another: the source's host, then the destination's. */
import type { Update } from '../../model/index.ts';
import { familyOf, type Ip } from '../../net/index.ts';
import type { Packet, Trace } from '../../rules/index.ts';
import type { Place } from './place.ts';
import { type ConfigOf, SimulatedHost } from './simulated-host.ts';

export interface Hop {
  readonly host: SimulatedHost;
  readonly packet: Packet;
  readonly trace: Trace;
}

export interface Flow {
  readonly source: Ip;
  readonly destination: Ip;
  readonly protocol: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
}

/** The hosts that carry the first packet of a connection, up to the one that stops it. */
export function travel(flow: Flow, from: Place, to: Place, updates: readonly Update[], configOf: ConfigOf): Hop[] {
  const hosts = new Map<string, SimulatedHost>();
  const hostOf = (node: string): SimulatedHost => {
    const host = hosts.get(node) ?? new SimulatedHost(node, updates, configOf);
    hosts.set(node, host);
    return host;
  };
  const hops: Hop[] = [];
  let packet: Packet = { ...flow, family: familyOf(flow.source), conntrack: 'NEW', marks: new Set() };
  for (const node of new Set([from.node, to.node])) {
    if (node === undefined) continue;
    const host = hostOf(node);
    const inInterface = node === from.node ? from.workload?.interfaceName : host.uplink;
    const arriving: Packet = { ...packet, ...(inInterface !== undefined && { inInterface }) };
    const trace = host.send(arriving);
    hops.push({ host, packet: arriving, trace });
    if (trace.verdict !== 'accept' || trace.unrouted) break;
    packet = translated(packet, trace);
  }
  return hops;
}

/** The packet as it leaves a host. NAT-outgoing's address is not known here; it concerns what is outside the cluster. */
function translated(packet: Packet, { translations }: Trace): Packet {
  const address = (type: string) => translations.findLast((t) => t.type === type)?.to;
  return { ...packet, destination: address('dnat') ?? packet.destination, source: address('snat') ?? packet.source };
}
