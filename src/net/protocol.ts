/** IP protocols: a number 0–255 everywhere inside; names only at the edges (as Calico's resources spell them). */

export type Protocol = number;

export const ICMP = 1;
export const IPIP = 4;
export const TCP = 6;
export const UDP = 17;
export const ICMPV6 = 58;
export const SCTP = 132;
export const UDPLITE = 136;

const NAMES = new Map<number, string>([
  [ICMP, 'ICMP'],
  [TCP, 'TCP'],
  [UDP, 'UDP'],
  [ICMPV6, 'ICMPv6'],
  [SCTP, 'SCTP'],
  [UDPLITE, 'UDPLite'],
]);
const NUMBERS = new Map([...NAMES].map(([number, name]) => [name.toLowerCase(), number]));

/** `TCP`, `tcp`, 6 or `"6"` → 6. Null when it is no protocol. */
export function parseProtocol(value: string | number): Protocol | null {
  const known = NUMBERS.get(String(value).toLowerCase());
  if (known !== undefined) return known;
  const number = /^\d{1,3}$/.test(String(value)) ? Number(value) : -1;
  return number >= 0 && number <= 255 ? number : null;
}

/** The resource spelling (`TCP`, `ICMPv6`), or the number as text where there is no name. */
export function protocolName(protocol: Protocol): string {
  return NAMES.get(protocol) ?? String(protocol);
}

/** Do packets of this protocol carry ports that a policy can match? */
export function hasPorts(protocol: Protocol | undefined): boolean {
  return protocol === TCP || protocol === UDP || protocol === SCTP;
}
