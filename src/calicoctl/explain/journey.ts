/** A packet's way from one place to another: the source's host, then the destination's. */
import type { Update } from '../../model/index.ts';
import { familyOf } from '../../net/index.ts';
import type { Packet, Step, Trace } from '../../rules/index.ts';
import type { Flow } from './flow.ts';
import type { Place } from './place.ts';
import { type ConfigOf, type Interfaces, SimulatedHost } from './simulated-host.ts';

export interface Hop {
  readonly host: SimulatedHost;
  /** As it arrives, or as the host itself sends it. */
  readonly packet: Packet;
  readonly trace: Trace;
}

export interface Surroundings {
  readonly updates: readonly Update[];
  readonly configOf: ConfigOf;
  /** Of a host that is known better than the datastore knows it: the one we are on. */
  readonly interfacesOf?: (node: string) => Interfaces | undefined;
}

/** The hosts that carry the first packet of a connection, up to the one that stops it. */
export function travel(flow: Flow, from: Place, to: Place, around: Surroundings): Hop[] {
  // What a workload sends to its own address never leaves it.
  if (from.workload && flow.source === flow.destination) return [];
  const hops: Hop[] = [];
  let packet: Packet = { ...flow, family: familyOf(flow.source), conntrack: 'NEW', marks: new Set() };
  for (const node of new Set([from.node, to.node])) {
    if (node === undefined) continue;
    const host = new SimulatedHost(node, around.updates, around.configOf, around.interfacesOf?.(node));
    const inInterface = node === from.node ? from.workload?.interfaceName : host.uplink;
    const arriving: Packet = { ...packet, ...(inInterface !== undefined && { inInterface }) };
    const trace = host.send(arriving);
    hops.push({ host, packet: arriving, trace });
    if (trace.verdict !== 'accept' || trace.unrouted) break;
    packet = translated(packet, trace, host);
  }
  return hops;
}

/** The packet as it leaves a host. The port that masquerading gives it is anybody's guess, so it keeps its own. */
function translated(packet: Packet, { translations }: Trace, host: SimulatedHost): Packet {
  const dnat = translations.findLast(({ type }) => type === 'dnat');
  const snat = translations.findLast(({ type }) => type !== 'dnat');
  const source = snat?.type === 'masquerade' ? host.address(packet.family) : snat?.to;
  return {
    ...packet,
    destination: dnat?.to ?? packet.destination,
    ...(dnat?.port !== undefined && { destinationPort: dnat.port }),
    source: source ?? packet.source,
  };
}

/** The rules that have something to say, without the plumbing between them. */
export function speaking({ trace }: Pick<Hop, 'trace'>): Step[] {
  return trace.steps.filter(
    (step) =>
      step === trace.decider ||
      (step.rule.origin.type !== 'plumbing' &&
        !(step.rule.origin.type === 'default' && step.rule.origin.what === 'policy-accepted')),
  );
}
