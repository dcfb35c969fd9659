/**
 * Members of IP sets between text and bytes: `10.0.0.0/8` (hash:net, the length always given), `10.0.0.1` (hash:ip),
 * `10.0.0.1,tcp:80` (hash:ip,port).
 */
import {
  bytesOf,
  type Family,
  familyOf,
  formatIp,
  type Ip,
  parseCidr,
  parseIp,
  parseProtocol,
  protocolName,
} from '../net/index.ts';
import type { IpSetType } from './ipset.ts';
import { attributes, eachAttribute, type MessageWriter } from './message.ts';

const ATTR_IP = 1;
const ATTR_CIDR = 3;
const ATTR_PORT = 4;
const ATTR_PROTO = 7;
const ATTR_IPADDR = { 4: 1, 6: 2 } as const;
const PORT_MEMBER = /^([^,/]+),([a-z]+|\d+):(\d{1,5})$/;

/** Can a set of that type and family hold this text? */
export function isMember(type: IpSetType, family: Family, text: string): boolean {
  if (type === 'hash:ip') return parseIp(text) === text && familyOf(text) === family;
  // The kernel's sets of prefixes hold none of length 0.
  if (type === 'hash:net') return parseCidr(text) === text && familyOf(text) === family && !text.endsWith('/0');
  const [, address, protocol, port] = PORT_MEMBER.exec(text) ?? [];
  if (!address || !protocol || parseIp(address) !== address || familyOf(address) !== family) return false;
  return parseProtocol(protocol) !== null && Number(port) < 65536;
}

/** Writes the attributes of a text that `isMember` accepts. */
export function writeMember(w: MessageWriter, type: IpSetType, text: string): void {
  const end = type === 'hash:net' ? text.indexOf('/') : type === 'hash:ip' ? text.length : text.indexOf(',');
  const address = text.slice(0, end) as Ip;
  const holder = w.open(ATTR_IP);
  w.attributeBe(ATTR_IPADDR[familyOf(address)], bytesOf(address));
  w.close(holder);
  if (type === 'hash:net') w.attributeU8(ATTR_CIDR, Number(text.slice(end + 1)));
  if (type !== 'hash:ip,port') return;
  const colon = text.lastIndexOf(':');
  w.attributeU16Be(ATTR_PORT, Number(text.slice(colon + 1)));
  w.attributeU8(ATTR_PROTO, parseProtocol(text.slice(end + 1, colon)) as number);
}

/** The text of a member in a dump. */
export function readMember(type: IpSetType, data: Buffer): string {
  const found = attributes(data);
  let address = '';
  for (const [, bytes] of eachAttribute(found.get(ATTR_IP) as Buffer)) address = formatIp(bytes);
  if (type === 'hash:ip') return address;
  if (type === 'hash:net') return `${address}/${found.get(ATTR_CIDR)?.[0] ?? (address.includes(':') ? 128 : 32)}`;
  const protocol = protocolName(found.get(ATTR_PROTO)?.[0] ?? 0).toLowerCase();
  return `${address},${protocol}:${found.get(ATTR_PORT)?.readUInt16BE() ?? 0}`;
}
