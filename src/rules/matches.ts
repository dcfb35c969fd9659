/** Does a packet meet the conditions of a rule? */
import type { IcmpMatch } from '../model/index.ts';
import { cidr, contains, type Ip, type PortRange } from '../net/index.ts';
import type { ConntrackState, Mark, Match, SideMatch } from './chain.ts';
import type { Packet, World } from './packet.ts';

const LINK_LOCAL = cidr('fe80::/64');

/** A packet under way: what tables change is writable. */
export interface InFlight
  extends Omit<Packet, 'marks' | 'destination' | 'destinationPort' | 'conntrack' | 'originalDestination'> {
  marks: Set<Mark>;
  destination: Ip;
  destinationPort?: number;
  conntrack: ConntrackState;
  originalDestination?: Ip;
  outInterface?: string | undefined;
}

export function matches(match: Match, packet: InFlight, world: World): boolean {
  return (
    isInterface(match.inInterface, packet.inInterface) !== false &&
    isInterface(match.notInInterface, packet.inInterface) !== true &&
    isInterface(match.outInterface, packet.outInterface) !== false &&
    isInterface(match.notOutInterface, packet.outInterface) !== true &&
    (match.protocol === undefined || match.protocol === packet.protocol) &&
    match.notProtocol !== packet.protocol &&
    (!match.icmp || isIcmp(match.icmp, packet)) &&
    !(match.notIcmp && isIcmp(match.notIcmp, packet)) &&
    (!match.conntrack || match.conntrack.includes(packet.conntrack)) &&
    (match.dnatted === undefined || match.dnatted === (packet.originalDestination !== undefined)) &&
    (match.marked ?? []).every((mark) => packet.marks.has(mark)) &&
    (match.notMarked ?? []).every((mark) => !packet.marks.has(mark)) &&
    (!match.reversePathFails || reversePathFails(packet, world)) &&
    (!match.source || sideMatches(match.source, side(packet, 'source'), world)) &&
    (!match.destination || sideMatches(match.destination, side(packet, 'destination'), world))
  );
}

/** Undefined: nothing is asked. */
function isInterface(pattern: string | undefined, name: string | undefined): boolean | undefined {
  if (pattern === undefined) return undefined;
  if (name === undefined) return false;
  return pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function isIcmp({ type, code }: IcmpMatch, packet: InFlight): boolean {
  return packet.icmpType === type && (code === undefined || packet.icmpCode === code);
}

function reversePathFails({ source, inInterface }: InFlight, world: World): boolean {
  // A link-local address is on the link that it came by.
  return !contains(LINK_LOCAL, source) && world.route(source) !== inInterface;
}

interface Side {
  readonly address: Ip;
  readonly protocol: number;
  readonly port?: number | undefined;
  readonly outInterface?: string | undefined;
}

function side(packet: InFlight, which: 'source' | 'destination'): Side {
  const port = which === 'source' ? packet.sourcePort : packet.destinationPort;
  return { address: packet[which], protocol: packet.protocol, port, outInterface: packet.outInterface };
}

function sideMatches(match: SideMatch, side: Side, world: World): boolean {
  const inSet = (set: string) => world.inSet(set, { address: side.address });
  return (
    (!match.nets || match.nets.some((net) => contains(net, side.address))) &&
    !(match.notNets ?? []).some((net) => contains(net, side.address)) &&
    (match.sets ?? []).every(inSet) &&
    !(match.notSets ?? []).some(inSet) &&
    (!(match.ports || match.portSets) || hasPort(match.ports, match.portSets, side, world)) &&
    !hasPort(match.notPorts, match.notPortSets, side, world) &&
    (match.local === undefined || match.local === world.isLocal(side.address)) &&
    (match.localToOutInterface === undefined ||
      match.localToOutInterface === world.isLocal(side.address, side.outInterface))
  );
}

function hasPort(
  ranges: readonly PortRange[] | undefined,
  sets: readonly string[] | undefined,
  { address, protocol, port }: Side,
  world: World,
): boolean {
  if (port === undefined) return false;
  return (
    (ranges ?? []).some(({ min, max }) => min <= port && port <= max) ||
    (sets ?? []).some((set) => world.inSet(set, { address, protocol, port }))
  );
}
