/**
 * TCP and UDP segments made by hand, each of a new flow: every one meets policy as a first packet does.
 *
 * They carry which stream they are of and their number: TCP in the sequence number of a SYN, UDP in its payload.
 */
import { bytesOf, type Ip } from '../../src/net/index.ts';

export type Carrier = 'tcp' | 'udp';
export const PROTOCOL: Record<Carrier, number> = { tcp: 6, udp: 17 };

const MAGIC = 0xca11c0;
const TCP_LENGTH = 20;
const UDP_LENGTH = 16;
const SYN_WITHOUT_OPTIONS = 0x5002;

export interface Segment {
  readonly proto: Carrier;
  readonly src: Ip;
  readonly dst: Ip;
  readonly sourcePort: number;
  readonly port: number;
  /** Below 256. */
  readonly stream: number;
  /** Below 2^32. */
  readonly number: number;
}

export function encodeSegment({ proto, src, dst, sourcePort, port, stream, number }: Segment): Buffer {
  const out = Buffer.alloc(proto === 'tcp' ? TCP_LENGTH : UDP_LENGTH);
  out.writeUInt16BE(sourcePort, 0);
  out.writeUInt16BE(port, 2);
  const tag = ((MAGIC << 8) | stream) >>> 0;
  if (proto === 'tcp') {
    out.writeUInt32BE(number, 4);
    out.writeUInt32BE(tag, 8); // the acknowledgement, which nobody reads in a SYN
    out.writeUInt16BE(SYN_WITHOUT_OPTIONS, 12);
    out.writeUInt16BE(64_240, 14);
  } else {
    out.writeUInt16BE(UDP_LENGTH, 4);
    out.writeUInt32BE(tag, 8);
    out.writeUInt32BE(number, 12);
  }
  const pseudo = Buffer.concat([bytesOf(src), bytesOf(dst), Buffer.from([0, PROTOCOL[proto], 0, out.length])]);
  out.writeUInt16BE(checksum(Buffer.concat([pseudo, out])) || 0xffff, proto === 'tcp' ? 16 : 6);
  return out;
}

/** The stream and number of a segment that `encodeSegment` made; null of any other. */
export function decodeSegment(proto: Carrier, data: Buffer): { stream: number; number: number } | null {
  if (data.length < (proto === 'tcp' ? TCP_LENGTH : UDP_LENGTH)) return null;
  const tag = data.readUInt32BE(8);
  if (tag >>> 8 !== MAGIC) return null;
  return { stream: tag & 0xff, number: data.readUInt32BE(proto === 'tcp' ? 4 : 12) };
}

function checksum(data: Buffer): number {
  let sum = 0;
  for (let i = 0; i < data.length; i += 2) sum += data.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
