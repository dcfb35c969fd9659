/** The conditions of a lowered rule in iptables' words, in upstream's order (the order counts for the rule's hash). */
import type { IcmpMatch } from '../model/index.ts';
import {
  addressOf,
  type Cidr,
  type Family,
  familyOf,
  formatPortRange,
  ICMP,
  ICMPV6,
  lengthOf,
  maxLength,
  type PortRange,
  type Protocol,
  SCTP,
  TCP,
  UDP,
  UDPLITE,
} from '../net/index.ts';
import type { Mark, Match, Rule, SideMatch } from './chain.ts';
import { IPTABLES_LIMITS } from './lower.ts';
import { portChunks } from './lower-match.ts';
import { hex, type MarkBits, maskOf } from './marks.ts';
import { ipsetName } from './names.ts';
import type { DefaultRule } from './origin.ts';
import type { RenderOptions } from './render.ts';

const PROTOCOLS = new Map<Protocol, string>([
  [TCP, 'tcp'],
  [UDP, 'udp'],
  [ICMP, 'icmp'],
  [ICMPV6, 'icmpv6'],
  [SCTP, 'sctp'],
  [UDPLITE, 'udplite'],
]);

interface SideWords {
  readonly option: 'source' | 'destination';
  readonly short: 'src' | 'dst';
}

interface Words {
  readonly family: Family;
  readonly netWord: (net: Cidr) => string;
}

const SOURCE: SideWords = { option: 'source', short: 'src' };
const DESTINATION: SideWords = { option: 'destination', short: 'dst' };

/**
 * Upstream writes its own rules a little differently from those of policies: single addresses bare, and some protocols as
 * numbers.
 */
const NUMBERED: readonly DefaultRule[] = ['encapsulated-from-workload', 'tunnel', 'neighbour-discovery'];

export function renderMatch({ match, origin }: Rule, { family, marks }: RenderOptions): string[] {
  const numbered = origin.type === 'default' && NUMBERED.includes(origin.what);
  const protocolWord = (protocol: Protocol) => (numbered ? protocol : (PROTOCOLS.get(protocol) ?? protocol));
  const netWord = (net: Cidr) => (origin.type === 'default' && isSingle(net) ? addressOf(net) : net);
  const options: Words = { family, netWord };
  return [
    ...one(match.inInterface, (name) => `--in-interface ${name}`),
    ...one(match.notInInterface, (name) => `! --in-interface ${name}`),
    ...one(match.outInterface, (name) => `--out-interface ${name}`),
    ...one(match.notOutInterface, (name) => `! --out-interface ${name}`),
    ...one(match.protocol, (protocol) => `-p ${protocolWord(protocol)}`),
    ...positive(match.source, SOURCE, options),
    ...positive(match.destination, DESTINATION, options),
    ...one(match.icmp, (icmp) => icmpWords(icmp, '', options)),
    ...one(match.notProtocol, (protocol) => `! -p ${protocolWord(protocol)}`),
    ...negative(match.source, SOURCE, options),
    ...negative(match.destination, DESTINATION, options),
    ...one(match.notIcmp, (icmp) => icmpWords(icmp, '! ', options)),
    ...one(match.conntrack, (states) => `-m conntrack --ctstate ${states.join(',')}`),
    ...one(match.dnatted, (dnatted) => `-m conntrack ${dnatted ? '' : '! '}--ctstate DNAT`),
    ...markWords(match, marks),
    ...(match.reversePathFails ? ['-m rpfilter --invert'] : []),
    ...limitWords(match),
  ];
}

function limitWords({ overPacketRate, withinPacketRate: rate, connectionsAbove }: Match): string[] {
  if (overPacketRate) throw new TypeError('not lowered: packets over a rate');
  return [
    ...(rate ? [`-m limit --limit ${rate.perSecond}/sec --limit-burst ${rate.burst}`] : []),
    ...one(connectionsAbove, (count) => `-m connlimit --connlimit-above ${count} --connlimit-mask 0`),
  ];
}

function positive(side: SideMatch | undefined, { option, short }: SideWords, options: Words): string[] {
  if (!side) return [];
  if (side.nets && side.notNets) throw new TypeError('not lowered: an address has to be and not to be in prefixes');
  return [
    ...atMostOne(side.nets).map((net) => `--${option} ${options.netWord(net)}`),
    ...(side.sets ?? []).map((set) => `-m set --match-set ${ipsetName(set, options.family)} ${short}`),
    ...(side.ports ? [`-m multiport --${option}-ports ${portList(side.ports)}`] : []),
    ...atMostOne(side.portSets).map((set) => `-m set --match-set ${ipsetName(set, options.family)} ${short},${short}`),
    ...one(side.localToOutInterface, (is) => `-m addrtype ${is ? '' : '! '}--${short}-type LOCAL --limit-iface-out`),
    ...one(side.local, (is) => `-m addrtype ${is ? '' : '! '}--${short}-type LOCAL`),
  ];
}

/** Negated lists need no lowering, but for prefixes: one condition each, and all must hold. */
function negative(side: SideMatch | undefined, { option, short }: SideWords, options: Words): string[] {
  if (!side) return [];
  return [
    ...atMostOne(side.notNets).map((net) => `! --${option} ${options.netWord(net)}`),
    ...(side.notSets ?? []).map((set) => `-m set ! --match-set ${ipsetName(set, options.family)} ${short}`),
    ...portChunks(side.notPorts ?? [], IPTABLES_LIMITS.portSlots).map(
      (chunk) => `-m multiport ! --${option}-ports ${portList(chunk)}`,
    ),
    ...(side.notPortSets ?? []).map(
      (set) => `-m set ! --match-set ${ipsetName(set, options.family)} ${short},${short}`,
    ),
  ];
}

function icmpWords({ type, code }: IcmpMatch, not: '' | '! ', { family }: Words): string {
  const value = code === undefined ? `${type}` : `${type}/${code}`;
  return family === 4 ? `-m icmp ${not}--icmp-type ${value}` : `-m icmp6 ${not}--icmpv6-type ${value}`;
}

function markWords({ marked, notMarked }: Match, bits: MarkBits): string[] {
  const mask = (marks: readonly Mark[]) => hex(maskOf(marks, bits));
  return [
    ...one(marked, (marks) => `-m mark --mark ${mask(marks)}/${mask(marks)}`),
    ...one(notMarked, (marks) => `-m mark --mark 0/${mask(marks)}`),
  ];
}

function portList(ports: readonly PortRange[]): string {
  if (portChunks(ports, IPTABLES_LIMITS.portSlots).length > 1) throw new TypeError('not lowered: too many ports');
  return ports.map(formatPortRange).join(',');
}

function isSingle(net: Cidr): boolean {
  return lengthOf(net) === maxLength(familyOf(net));
}

function one<T>(value: T | undefined, words: (value: T) => string): string[] {
  return value === undefined ? [] : [words(value)];
}

function atMostOne<T>(list: readonly T[] | undefined): readonly T[] {
  if (list && list.length > 1) throw new TypeError('not lowered: a list');
  return list ?? [];
}
