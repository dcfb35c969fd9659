/**
 * Reading fields of a stored resource. Stored texts may come from any version, so that unknown fields are passed over;
 * a field that is there but is not what it should be makes its resource undecodable.
 */

import type { NamedPort } from '../../model/index.ts';
import {
  type Cidr,
  type Ip,
  type PortRange,
  type Protocol,
  parseCidr,
  parseIp,
  parsePortRange,
  parseProtocol,
} from '../../net/index.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** Says which field is wrong, and how. */
export class Undecodable extends Error {
  constructor(field: string, value: unknown, expected: string) {
    super(`${field}: found ${JSON.stringify(value)}, expected ${expected}`);
  }
}

/**
 * What of a resource could be read, and what is wrong with the rest. Where there is a problem, the value stands in for
 * the resource until a good one is seen.
 */
export interface Decoded<T> {
  readonly value: T;
  readonly problem?: string;
}

const EMPTY: Fields = {};
/** Shared: most lists of most resources are empty. */
const NOTHING: readonly never[] = [];

/** An object; empty when absent. */
export function object(value: unknown, field: string): Fields {
  if (value === undefined || value === null) return EMPTY;
  if (typeof value !== 'object' || Array.isArray(value)) throw new Undecodable(field, value, 'an object');
  return value as Fields;
}

/** A list, each element read; empty when absent. */
export function list<T>(
  value: unknown,
  field: string,
  element: (value: unknown, field: string, i: number) => T,
): readonly T[] {
  if (value === undefined || value === null) return NOTHING;
  if (!Array.isArray(value)) throw new Undecodable(field, value, 'a list');
  return value.length === 0 ? NOTHING : value.map((found, i) => element(found, field, i));
}

/** Text; empty when absent. */
export function text(value: unknown, field: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw new Undecodable(field, value, 'text');
  return value;
}

export function requiredText(value: unknown, field: string): string {
  const found = text(value, field);
  if (found === '') throw new Undecodable(field, value, 'a value');
  return found;
}

export function texts(value: unknown, field: string): readonly string[] {
  return list(value, field, text);
}

/** False when absent. */
export function flag(value: unknown, field: string): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value !== 'boolean') throw new Undecodable(field, value, 'true or false');
  return value;
}

export function integer(value: unknown, field: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value)) throw new Undecodable(field, value, 'a whole number');
  return value;
}

/** Undefined when absent or empty. */
export function ip(value: unknown, field: string): Ip | undefined {
  const written = text(value, field);
  if (written === '') return undefined;
  const parsed = parseIp(written);
  if (!parsed) throw new Undecodable(field, value, 'an IP address');
  return parsed;
}

export function cidr(value: unknown, field: string): Cidr {
  const parsed = parseCidr(text(value, field));
  if (!parsed) throw new Undecodable(field, value, 'an IP address or prefix');
  return parsed;
}

export function cidrs(value: unknown, field: string): readonly Cidr[] {
  return list(value, field, cidr);
}

/** 1–255: to the kernel's rules 0 is every protocol. */
export function protocol(value: unknown, field: string): Protocol | undefined {
  if (value === undefined || value === null) return undefined;
  const parsed = typeof value === 'string' || typeof value === 'number' ? parseProtocol(value) : null;
  if (!parsed) throw new Undecodable(field, value, 'a protocol');
  return parsed;
}

/** `80`, `"80"`, `"80:90"` or a name. */
export function port(value: unknown, field: string): PortRange | NamedPort {
  const range = typeof value === 'number' || typeof value === 'string' ? parsePortRange(String(value)) : null;
  if (range) return range;
  if (typeof value !== 'string' || !/^[a-zA-Z0-9_.-]*[a-zA-Z][a-zA-Z0-9_.-]*$/.test(value)) {
    throw new Undecodable(field, value, 'a port, a range of ports or the name of one');
  }
  return { name: value };
}

/** Label names to values. */
export function labels(value: unknown, field: string): Readonly<Record<string, string>> {
  const found = object(value, field);
  for (const name in found)
    if (typeof found[name] !== 'string') throw new Undecodable(`${field}.${name}`, found[name], 'text');
  return found as Readonly<Record<string, string>>;
}

/** The fields that are not undefined: how optional fields of the model are left out. */
export function present<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  const out: Partial<T> = {};
  for (const name in fields) if (fields[name] !== undefined) out[name] = fields[name];
  return out as T;
}
