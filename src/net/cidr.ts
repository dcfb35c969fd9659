/**
 * Prefixes as canonical text: `10.0.0.0/8`, `fd00::/64`; host bits are always zero.
 */
import { bytesOf, type Family, familyOf, formatIp, type Ip, parseIp } from './ip.ts';

export type Cidr = string & { readonly __cidr: unique symbol };

/** Parses `address/length`, or a bare address as a prefix of full length; host bits are cleared. Null when it is none. */
export function parseCidr(text: string): Cidr | null {
  const slash = text.indexOf('/');
  const address = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (!address) return null;
  const bits = maxLength(familyOf(address));
  const suffix = slash < 0 ? String(bits) : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(suffix) || Number(suffix) > bits) return null;
  return cidrOf(address, Number(suffix));
}

/** The prefix for text known to be one. Throws a RangeError when it is none. */
export function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (!parsed) throw new RangeError(`not a prefix: ${text}`);
  return parsed;
}

/** The prefix of `length` bits that holds the address (default: the address alone). */
export function cidrOf(address: Ip, length: number = maxLength(familyOf(address))): Cidr {
  if (length === maxLength(familyOf(address))) return `${address}/${length}` as Cidr;
  return `${formatIp(masked(bytesOf(address), length))}/${length}` as Cidr;
}

/** The prefix's first address. */
export function addressOf(prefix: Cidr): Ip {
  return prefix.slice(0, prefix.indexOf('/')) as Ip;
}

export function lengthOf(prefix: Cidr): number {
  return Number(prefix.slice(prefix.indexOf('/') + 1));
}

/** Does the prefix hold this address, or the whole of this other prefix? False across families. */
export function contains(prefix: Cidr, other: Ip | Cidr): boolean {
  if (familyOf(prefix) !== familyOf(other)) return false;
  const length = lengthOf(prefix);
  const inner = other.includes('/') ? (other as Cidr) : cidrOf(other as Ip);
  return lengthOf(inner) >= length && cidrOf(addressOf(inner), length) === prefix;
}

/** 32 or 128. */
export function maxLength(family: Family): number {
  return family === 4 ? 32 : 128;
}

function masked(bytes: Uint8Array, length: number): Uint8Array {
  return bytes.map((byte, i) => {
    const keep = Math.min(8, Math.max(0, length - 8 * i));
    return byte & (0xff << (8 - keep));
  });
}
