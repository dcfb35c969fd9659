/**
 * Netlink messages as bytes: a header (length, type, flags, sequence, port), a family's fixed header, and attributes
 * (length, type, value), everything padded to four bytes. Numbers are in the host's order unless the name says `Be`.
 */
import { endianness } from 'node:os';

const LITTLE = endianness() === 'LE';

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_DUMP = 0x300;
export const NLM_F_CAPPED = 0x100;
export const NLM_F_ACK_TLVS = 0x200;

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLMSG_HEADER = 16;

const NLA_F_NESTED = 0x8000;
const NLA_F_NET_BYTEORDER = 0x4000;
const NLA_TYPE_MASK = 0x3fff;

/** Appends messages to one growing buffer, so that many go out in one system call. */
export class MessageWriter {
  #buffer = Buffer.alloc(16 * 1024);
  #view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset, this.#buffer.length);
  #length = 0;
  #start = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** The bytes written so far; valid until the next write. */
  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  /** Starts a message. Sequence numbers are set by the socket that sends it. */
  begin(type: number, flags: number): void {
    this.#start = this.#length;
    this.u32(0);
    this.u16(type);
    this.u16(flags | NLM_F_REQUEST);
    this.u32(0);
    this.u32(0);
  }

  end(): void {
    this.#view.setUint32(this.#start, this.#length - this.#start, LITTLE);
  }

  /** Sets the sequence number and adds flags to the message that is open or was closed last. */
  stamp(sequence: number, flags: number): void {
    this.#view.setUint16(this.#start + 6, this.#view.getUint16(this.#start + 6, LITTLE) | flags, LITTLE);
    this.#view.setUint32(this.#start + 8, sequence, LITTLE);
  }

  u8(value: number): void {
    const at = this.#take(1);
    this.#view.setUint8(at, value);
  }

  u16(value: number): void {
    const at = this.#take(2);
    this.#view.setUint16(at, value, LITTLE);
  }

  u16Be(value: number): void {
    const at = this.#take(2);
    this.#view.setUint16(at, value, false);
  }

  u32(value: number): void {
    const at = this.#take(4);
    this.#view.setUint32(at, value, LITTLE);
  }

  raw(bytes: Uint8Array): void {
    const at = this.#take(bytes.length);
    this.#buffer.set(bytes, at);
  }

  attribute(type: number, value: Uint8Array): void {
    this.#header(type, value.length);
    this.raw(value);
    this.#pad();
  }

  attributeU8(type: number, value: number): void {
    this.#header(type, 1);
    this.u8(value);
    this.#pad();
  }

  attributeU32(type: number, value: number): void {
    this.#header(type, 4);
    this.u32(value);
  }

  /** Netfilter's numbers: network order, and the attribute says so. */
  attributeU32Be(type: number, value: number): void {
    this.#header(type | NLA_F_NET_BYTEORDER, 4);
    const at = this.#take(4);
    this.#view.setUint32(at, value, false);
  }

  attributeU16Be(type: number, value: number): void {
    this.#header(type | NLA_F_NET_BYTEORDER, 2);
    this.u16Be(value);
    this.#pad();
  }

  /** Bytes that are an address: network order, and the attribute says so. */
  attributeBe(type: number, value: Uint8Array): void {
    this.attribute(type | NLA_F_NET_BYTEORDER, value);
  }

  /** Text with a zero byte at its end. */
  attributeText(type: number, text: string): void {
    const bytes = Buffer.from(`${text}\0`);
    this.attribute(type, bytes);
  }

  /** Opens an attribute that holds attributes; give what it returns to `close`. */
  open(type: number): number {
    const at = this.#length;
    this.#header(type | NLA_F_NESTED, 0);
    return at;
  }

  close(at: number): void {
    this.#view.setUint16(at, this.#length - at, LITTLE);
  }

  #header(type: number, valueLength: number): void {
    this.u16(4 + valueLength);
    this.u16(type);
  }

  #pad(): void {
    while (this.#length & 3) this.u8(0);
  }

  #take(count: number): number {
    const at = this.#length;
    if (at + count > this.#buffer.length) this.#grow(at + count);
    this.#length = at + count;
    return at;
  }

  #grow(needed: number): void {
    const bigger = Buffer.alloc(Math.max(needed, 2 * this.#buffer.length));
    bigger.set(this.#buffer);
    this.#buffer = bigger;
    this.#view = new DataView(bigger.buffer, bigger.byteOffset, bigger.length);
  }
}

/** One message in a received buffer; valid only as long as the buffer is not received into again. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** The port of the socket whose request caused it; 0: the kernel itself. */
  readonly port: number;
  /** What follows the netlink header. */
  readonly payload: Buffer;
}

/** The messages of a datagram. */
export function* messages(datagram: Buffer): Generator<Message> {
  let at = 0;
  while (at + NLMSG_HEADER <= datagram.length) {
    const length = readU32(datagram, at);
    if (length < NLMSG_HEADER || at + length > datagram.length) return;
    yield {
      type: readU16(datagram, at + 4),
      flags: readU16(datagram, at + 6),
      sequence: readU32(datagram, at + 8),
      port: readU32(datagram, at + 12),
      payload: datagram.subarray(at + NLMSG_HEADER, at + length),
    };
    at += (length + 3) & ~3;
  }
}

/** Attributes by type (the flag bits are masked off); of several of one type the last. */
export type Attributes = ReadonlyMap<number, Buffer>;

export function attributes(bytes: Buffer, from = 0): Attributes {
  const found = new Map<number, Buffer>();
  for (const [type, value] of eachAttribute(bytes, from)) found.set(type, value);
  return found;
}

export function* eachAttribute(bytes: Buffer, from = 0): Generator<readonly [type: number, value: Buffer]> {
  let at = from;
  while (at + 4 <= bytes.length) {
    const length = readU16(bytes, at);
    if (length < 4 || at + length > bytes.length) return;
    yield [readU16(bytes, at + 2) & NLA_TYPE_MASK, bytes.subarray(at + 4, at + length)];
    at += (length + 3) & ~3;
  }
}

export function readU16(bytes: Buffer, at = 0): number {
  return LITTLE ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
}

export function readU32(bytes: Buffer, at = 0): number {
  return LITTLE ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
}

export function readU64(bytes: Buffer, at = 0): bigint {
  return LITTLE ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at);
}

export function readI32(bytes: Buffer, at = 0): number {
  return readU32(bytes, at) | 0;
}

/** Text up to its zero byte. */
export function readText(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}
