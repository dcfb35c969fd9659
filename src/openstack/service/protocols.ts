/** Protocols as Neutron's API takes them. */

/** Names become the numbers that IANA gave them. */
const NUMBERS: Readonly<{ [name: string]: number }> = {
  ah: 51,
  dccp: 33,
  egp: 8,
  esp: 50,
  gre: 47,
  hopopt: 0,
  igmp: 2,
  ipip: 4,
  'ipv6-encap': 41,
  'ipv6-frag': 44,
  'ipv6-nonxt': 59,
  'ipv6-opts': 60,
  'ipv6-route': 43,
  ospf: 89,
  pgm: 113,
  rsvp: 46,
  sctp: 132,
  tcp: 6,
  udp: 17,
  udplite: 136,
  vrrp: 112,
};

const WITH_PORTS = new Set([6, 17, 33, 132, 136]);

export interface Protocol {
  /** As it is stored: a number that the caller gave stays text. */
  readonly stored: string | number;
  /** What a rule's two numbers mean. */
  readonly range: 'ports' | 'icmp' | 'none';
}

/** Null for a name that nobody knows. */
export function protocolOf(text: string, ipVersion: 4 | 6): Protocol | null {
  const name = text.toLowerCase();
  if (name === 'icmp' || name === 'icmpv6' || name === 'ipv6-icmp')
    return { stored: icmpName(ipVersion), range: 'icmp' };
  if (/^\d{1,3}$/.test(name)) {
    const number = Number(name);
    if (number > 255) return null;
    return { stored: name, range: number === (ipVersion === 4 ? 1 : 58) ? 'icmp' : rangeOf(number) };
  }
  const number = Object.hasOwn(NUMBERS, name) ? NUMBERS[name] : undefined;
  return number === undefined ? null : { stored: number, range: rangeOf(number) };
}

export function icmpName(ipVersion: 4 | 6): string {
  return ipVersion === 4 ? 'ICMP' : 'ICMPv6';
}

function rangeOf(number: number): 'ports' | 'none' {
  return WITH_PORTS.has(number) ? 'ports' : 'none';
}
