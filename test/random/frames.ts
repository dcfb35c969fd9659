/** IP packets as bytes: a random packet of the tests, with a number by which it is known again wherever it comes out. */
import { bytesOf, familyOf, formatIp, ICMP, ICMPV6, type Ip, TCP, UDP } from '../../src/net/index.ts';
import type { Opening } from '../naive/resources.ts';

const MAGIC = Buffer.from('kpkt');
const TRAILER = 8;
const HOPS = 64;
const SYN = 2;

/** A whole IPv4 or IPv6 packet, checksums and all. The number is in the payload, and tells echo requests apart. */
export function ipPacket(opening: Opening, number: number): Buffer {
  const source = bytesOf(opening.source as Ip);
  const destination = bytesOf(opening.destination as Ip);
  const inner = transport(opening, number);
  const at = { [TCP]: 16, [UDP]: 6, [ICMP]: 2, [ICMPV6]: 2 }[opening.protocol];
  if (at !== undefined) {
    const covered =
      opening.protocol === ICMP ? [inner] : [pseudoHeader(source, destination, opening.protocol, inner), inner];
    inner.writeUInt16BE(checksum(Buffer.concat(covered)) || 0xffff, at);
  }
  return Buffer.concat([header(source, destination, opening.protocol, inner.length, number), inner]);
}

function transport({ protocol, sourcePort, destinationPort, icmpType, icmpCode }: Opening, number: number): Buffer {
  const trailer = Buffer.alloc(TRAILER);
  MAGIC.copy(trailer);
  trailer.writeUInt32BE(number, 4);
  if (protocol === TCP) {
    const head = Buffer.alloc(20);
    head.writeUInt16BE(sourcePort ?? 0, 0);
    head.writeUInt16BE(destinationPort ?? 0, 2);
    head.writeUInt32BE(number, 4);
    head.set([5 << 4, SYN, 0xff, 0xff], 12);
    return Buffer.concat([head, trailer]);
  }
  if (protocol === UDP) {
    const head = Buffer.alloc(8);
    head.writeUInt16BE(sourcePort ?? 0, 0);
    head.writeUInt16BE(destinationPort ?? 0, 2);
    head.writeUInt16BE(8 + TRAILER, 4);
    return Buffer.concat([head, trailer]);
  }
  if (protocol !== ICMP && protocol !== ICMPV6) return trailer;
  const head = Buffer.alloc(8);
  head.set([icmpType ?? 0, icmpCode ?? 0]);
  head.writeUInt16BE(number & 0xffff, 4);
  return Buffer.concat([head, trailer]);
}

function header(source: Uint8Array, destination: Uint8Array, protocol: number, length: number, id: number): Buffer {
  if (source.length === 16) {
    const head = Buffer.alloc(8);
    head.set([0x60]);
    head.writeUInt16BE(length, 4);
    head.set([protocol, HOPS], 6);
    return Buffer.concat([head, source, destination]);
  }
  const head = Buffer.alloc(12);
  head.set([0x45]);
  head.writeUInt16BE(20 + length, 2);
  head.writeUInt16BE(id & 0xffff, 4);
  head.set([HOPS, protocol], 8);
  const whole = Buffer.concat([head, source, destination]);
  whole.writeUInt16BE(checksum(whole), 10);
  return whole;
}

function pseudoHeader(source: Uint8Array, destination: Uint8Array, protocol: number, inner: Buffer): Buffer {
  const v4 = source.length === 4;
  const rest = Buffer.alloc(v4 ? 4 : 8);
  rest[v4 ? 1 : 7] = protocol;
  rest.writeUInt16BE(inner.length, 2);
  return Buffer.concat([source, destination, rest]);
}

function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes.readUInt8(i) * 256 + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** One of ours: its number, and the addresses that it has now. */
export interface Seen {
  readonly number: number;
  readonly source: Ip;
  readonly destination: Ip;
}

/** Null for what is not ours: the stacks' own talk, also where it quotes one of ours. */
export function readPacket(packet: Buffer): Seen | null {
  const v6 = (packet[0] ?? 0) >> 4 === 6;
  const head = v6 ? 40 : 20;
  if (packet.length < head + TRAILER) return null;
  const length = v6 ? 40 + packet.readUInt16BE(4) : packet.readUInt16BE(2);
  const protocol = packet[v6 ? 6 : 9] as number;
  const number = numberIn(packet.subarray(head, length), protocol);
  if (number === null) return null;
  const [from, size] = v6 ? [8, 16] : [12, 4];
  return {
    number,
    source: formatIp(packet.subarray(from, from + size)),
    destination: formatIp(packet.subarray(from + size, from + 2 * size)),
  };
}

/** `inner`: what the IP packet carries. */
export function numberIn(inner: Buffer, protocol: number): number | null {
  const head = { [TCP]: 20, [UDP]: 8, [ICMP]: 8, [ICMPV6]: 8 }[protocol] ?? 0;
  if (inner.length !== head + TRAILER || !inner.subarray(head, head + 4).equals(MAGIC)) return null;
  // The echo of a request is not the request.
  if ((protocol === ICMP && (inner[0] === 0 || inner[0] === 14)) || (protocol === ICMPV6 && inner[0] === 129))
    return null;
  return inner.readUInt32BE(head + 4);
}

export const isV6 = (address: string): boolean => familyOf(address) === 6;
