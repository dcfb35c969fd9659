/** Protocol Buffers' wire format, as far as etcd's messages need it: varints and length-delimited fields. */

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

export type Scalar = string | number | boolean | Buffer;

/**
 * Encodes `[field number, value]` pairs: text and buffers (nested messages) length-delimited, numbers and booleans as
 * varints. Zero, false and empty text are left out, as the format's defaults are; empty buffers are written.
 */
export function encode(fields: readonly (readonly [number, Scalar | undefined])[]): Buffer {
  const parts: Buffer[] = [];
  for (const [number, value] of fields) {
    if (value === undefined || value === '' || value === 0 || value === false) continue;
    if (typeof value === 'number' || typeof value === 'boolean') {
      parts.push(varint((number << 3) | VARINT), varint(Number(value)));
    } else {
      const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
      parts.push(varint((number << 3) | BYTES), varint(bytes.length), bytes);
    }
  }
  return Buffer.concat(parts);
}

/** A non-negative integer as base-128 digits, the lowest first. */
export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** Receives each field of a message: numbers for varints, bytes (a view of the message's) for the rest. */
export interface FieldVisitor {
  number?(field: number, value: number): void;
  bytes?(field: number, value: Buffer): void;
}

/** Walks the fields of a message. Throws a RangeError when it is cut short or malformed. */
export function decode(message: Buffer, visitor: FieldVisitor): void {
  const cursor = { at: 0 };
  while (cursor.at < message.length) {
    const tag = readVarint(message, cursor);
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case VARINT: {
        const value = readVarint(message, cursor);
        visitor.number?.(field, value);
        break;
      }
      case BYTES: {
        const value = take(message, cursor, readVarint(message, cursor));
        visitor.bytes?.(field, value);
        break;
      }
      case FIXED64:
        take(message, cursor, 8);
        break;
      case FIXED32:
        take(message, cursor, 4);
        break;
      default:
        throw new RangeError(`unknown wire type ${tag % 8}`);
    }
  }
}

/** Exact below 2^53; etcd's cluster and member ids may be above, its revisions are not. */
function readVarint(message: Buffer, cursor: { at: number }): number {
  let value = 0;
  let weight = 1;
  for (;;) {
    const byte = message[cursor.at++];
    if (byte === undefined) throw new RangeError('message cut short');
    value += (byte & 127) * weight;
    if (byte < 128) return value;
    weight *= 128;
  }
}

function take(message: Buffer, cursor: { at: number }, length: number): Buffer {
  const end = cursor.at + length;
  if (end > message.length) throw new RangeError('message cut short');
  const view = message.subarray(cursor.at, end);
  cursor.at = end;
  return view;
}
