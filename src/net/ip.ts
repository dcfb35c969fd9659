/**
 * IP addresses as canonical text.
 *
 * An `Ip` is always the canonical form (RFC 5952 for IPv6), so that two equal addresses are equal strings: usable as
 * keys of maps and members of sets as they are. Bytes are made where the wire wants them.
 */

export type Family = 4 | 6;
export type Ip = string & { readonly __ip: unique symbol };

/** Parses an address in any usual spelling. Returns null when it is none (IPv4 octets with leading zeros are none). */
export function parseIp(text: string): Ip | null {
  const bytes = text.includes(':') ? parseV6(text) : parseV4(text);
  return bytes && formatIp(bytes);
}

/** The address for text known to be one. Throws a RangeError when it is none. */
export function ip(text: string): Ip {
  const parsed = parseIp(text);
  if (!parsed) throw new RangeError(`not an IP address: ${text}`);
  return parsed;
}

export function familyOf(address: string): Family {
  return address.includes(':') ? 6 : 4;
}

/** 4 or 16 bytes in network order. */
export function bytesOf(address: Ip): Uint8Array {
  return (familyOf(address) === 4 ? parseV4(address) : parseV6(address)) as Uint8Array;
}

/** The address of 4 or 16 bytes in network order. */
export function formatIp(bytes: Uint8Array): Ip {
  return (bytes.length === 4 ? `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}` : formatV6(bytes)) as Ip;
}

/** The address as an unsigned integer. */
export function toBigInt(address: Ip): bigint {
  return bytesOf(address).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** The address with that value. Throws a RangeError when the value does not fit the family. */
export function fromBigInt(value: bigint, family: Family): Ip {
  const length = family === 4 ? 4 : 16;
  if (value < 0n || value >> BigInt(length * 8) !== 0n) throw new RangeError(`no IPv${family} address: ${value}`);
  const bytes = new Uint8Array(length);
  for (let i = length - 1, rest = value; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return formatIp(bytes);
}

/** One pass without intermediate strings: hosts of policy sets are parsed by the hundred thousand. */
function parseV4(text: string): Uint8Array | null {
  const bytes = new Uint8Array(4);
  let part = 0;
  let value = -1;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit === -2) {
      if (value < 0 || part === 3) return null;
      bytes[part++] = value;
      value = -1;
      continue;
    }
    // A zero may stand alone only.
    if (digit < 0 || digit > 9 || value === 0) return null;
    value = value < 0 ? digit : 10 * value + digit;
    if (value > 255) return null;
  }
  if (value < 0 || part !== 3) return null;
  bytes[3] = value;
  return bytes;
}

function parseV6(text: string): Uint8Array | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const head = groups(halves[0] as string, halves.length === 1);
  const tail = halves.length === 2 ? groups(halves[1] as string, true) : [];
  if (!head || !tail) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const all = [...head, ...new Array<number>(missing).fill(0), ...tail];
  const bytes = new Uint8Array(16);
  all.forEach((group, i) => {
    bytes[2 * i] = group >> 8;
    bytes[2 * i + 1] = group & 255;
  });
  return bytes;
}

/** The 16-bit groups of one side of `::`; only the last may be an IPv4 address in dotted form. */
function groups(text: string, mayEndInV4: boolean): number[] | null {
  if (text === '') return [];
  const out: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (mayEndInV4 && i === parts.length - 1 && part.includes('.')) {
      const v4 = parseV4(part);
      if (!v4) return null;
      out.push(((v4[0] as number) << 8) | (v4[1] as number), ((v4[2] as number) << 8) | (v4[3] as number));
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) out.push(Number.parseInt(part, 16));
    else return null;
  }
  return out;
}

/** RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups (the first of equals) as `::`. */
function formatV6(bytes: Uint8Array): string {
  const parts: number[] = [];
  for (let i = 0; i < 16; i += 2) parts.push(((bytes[i] as number) << 8) | (bytes[i + 1] as number));
  if (parts.slice(0, 5).every((p) => p === 0) && parts[5] === 0xffff) return `::ffff:${bytes.slice(12).join('.')}`;
  let best = { start: -1, length: 1 };
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && parts[i + length] === 0) length++;
    if (length > best.length) best = { start: i, length };
    i += length;
  }
  const text = (from: number, to: number) =>
    parts
      .slice(from, to)
      .map((p) => p.toString(16))
      .join(':');
  return best.start < 0 ? text(0, 8) : `${text(0, best.start)}::${text(best.start + best.length, 8)}`;
}
