/** How the raw text of a parameter is read. Each type says what it expects, for the message about what it refuses. */
import {
  addressOf,
  type Cidr,
  familyOf,
  type Ip,
  type PortRange,
  parseCidr,
  parseIp,
  parsePortRange,
} from '../net/index.ts';

/** T: a value; Z: the zero value, which `none` stands for. */
export interface ParameterType<T, Z = T> {
  /** Undefined when the text is not one. */
  parse(raw: string): T | undefined;
  readonly zero: Z;
  readonly expected: string;
}

export interface PortParameter {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  /** Of the other end; absent: any. */
  readonly net?: Cidr;
}

/** Numbers of routing tables, both inclusive. */
export interface TableRange {
  readonly min: number;
  readonly max: number;
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['true', 't', 'yes', 'y', '1'].map((raw) => [raw, true] as const),
  ...['false', 'f', 'no', 'n', '0'].map((raw) => [raw, false] as const),
]);

export const bool: ParameterType<boolean> = {
  parse: (raw) => BOOLEANS.get(raw.toLowerCase()),
  zero: false,
  expected: 'true or false (yes, no, y, n, t, f, 1, 0)',
};

/** Decimal, 0x…, 0b…, or octal after a leading 0. Both ends inclusive. */
export function int(min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER): ParameterType<number> {
  return {
    parse: (raw) => within(parseInteger(raw), min, max),
    zero: 0,
    expected: max === Number.MAX_SAFE_INTEGER ? 'a whole number' : `a whole number of ${min} to ${max}`,
  };
}

const float: ParameterType<number> = {
  parse: (raw) => (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(raw) ? Number(raw) : undefined),
  zero: 0,
  expected: 'a number',
};
export const seconds: ParameterType<number> = { ...float, expected: 'a number of seconds' };
export const millis: ParameterType<number> = { ...float, expected: 'a number of milliseconds' };

export const string: ParameterType<string> = { parse: (raw) => raw, zero: '', expected: 'text' };
export const file: ParameterType<string> = { ...string, expected: 'a path' };

/** One of the options, whatever its case. */
export function oneOf<const T extends string>(...options: T[]): ParameterType<T, T | ''> {
  return {
    parse: (raw) => options.find((option) => option.toLowerCase() === raw.toLowerCase()),
    zero: '',
    expected: `one of ${options.join(', ')}`,
  };
}

export const hostname = matching(/^[a-zA-Z0-9_.-]+$/, 'a host name');
export const hostAddress = matching(/^[a-zA-Z0-9:._+-]{1,64}$/, 'an address or a host name');
export const authority = matching(/^([^:/]+|\[[^\]/]+\]):\d+$/, 'a host and a port (host:port)');
export const region = matching(
  /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
  'a DNS label: lower-case letters, digits and "-"',
);
/** An interface as iptables takes it: `+` at the end stands for anything. */
export const interfaceParameter = matching(/^[a-zA-Z0-9:._+-]{1,15}$/, 'the name of an interface');

const INTERFACE = /^[a-zA-Z0-9_-]{1,15}$/;

export const interfaceList = listOf<string>(
  (item) => (INTERFACE.test(item) ? item : undefined),
  'names of interfaces, separated by commas',
);

/** `eth0,/^veth/`: a name is the pattern of exactly that name. */
export const interfacePatterns = listOf<RegExp>((item) => {
  if (INTERFACE.test(item)) return new RegExp(`^${item}$`);
  return item.length > 2 && /^\/.*\/$/.test(item) ? parseRegExp(item.slice(1, -1)) : undefined;
}, 'names of interfaces, or regular expressions in slashes, separated by commas');

export const regexp: ParameterType<RegExp, null> = { parse: parseRegExp, zero: null, expected: 'a regular expression' };

export const address: ParameterType<Ip, null> = {
  parse: (raw) => parseIp(raw) ?? undefined,
  zero: null,
  expected: 'an IP address',
};

export const ipv6Address: ParameterType<Ip, null> = {
  parse(raw) {
    const ip = parseIp(raw);
    return ip !== null && familyOf(ip) === 6 ? ip : undefined;
  },
  zero: null,
  expected: 'an IPv6 address',
};

export const ipv4Cidrs = listOf<Cidr>((item) => {
  const cidr = parseCidr(item.trim());
  return cidr !== null && familyOf(addressOf(cidr)) === 4 ? cidr : undefined;
}, 'IPv4 addresses or prefixes, separated by commas');

/** URLs with `/` as their path. */
export const endpoints = listOf<string>(
  (item) => /^https?:\/\/[^/?#\s]+\/?$/i.exec(item.trim())?.[0].replace(/\/?$/, '/'),
  'URLs such as http://192.168.0.1:2379, separated by commas',
  { ignoreEmpty: true },
);

export const ports = listOf<PortParameter>((item) => {
  const pattern = /^(?:(tcp|udp):)?(?:\[?([^[\]]*?)\]?:)?(\d+)$/;
  const [, protocol = 'tcp', written, number] = pattern.exec(item.trim().toLowerCase()) ?? [];
  const port = within(Number(number), 0, 65535);
  const net = written === undefined ? undefined : parseCidr(written);
  if (port === undefined || net === null) return undefined;
  return { protocol: protocol as PortParameter['protocol'], port, ...(net && { net }) };
}, '<number>, tcp:<number>, udp:<number> or tcp:<net>:<number>, of 0 to 65535, separated by commas');

export const portRange: ParameterType<PortRange, null> = {
  parse: (raw) => parsePortRange(raw) ?? undefined,
  zero: null,
  expected: 'a port, or a range of ports (min:max)',
};

export const portRanges = listOf<PortRange>(
  (item) => parsePortRange(item.trim()) ?? undefined,
  'ports or ranges of ports (min:max), separated by commas',
);

export const markMask: ParameterType<number> = {
  parse(raw) {
    const mask = within(parseInteger(raw), 0, 0xffffffff);
    return mask !== undefined && mask.toString(2).replaceAll('0', '').length >= 2 ? mask : undefined;
  },
  zero: 0,
  expected: 'a 32-bit mask with at least 2 bits set',
};

export const tableRange: ParameterType<TableRange> = {
  parse(raw) {
    const [, low, high] = /^(\d+)-(\d+)$/.exec(raw) ?? [];
    const [min, max] = [Number(low), Number(high)];
    return min >= 1 && max <= 250 && min <= max ? { min, max } : undefined;
  },
  zero: { min: 0, max: 0 },
  expected: 'a range of routing tables within 1-250',
};

function matching(pattern: RegExp, expected: string): ParameterType<string> {
  return { parse: (raw) => (pattern.test(raw) ? raw : undefined), zero: '', expected };
}

function listOf<T>(
  parseItem: (item: string) => T | undefined,
  expected: string,
  { ignoreEmpty = false } = {},
): ParameterType<readonly T[]> {
  return {
    parse(raw) {
      const items = raw.split(',').filter((item) => !ignoreEmpty || item.trim() !== '');
      const values = items.map(parseItem).filter((value) => value !== undefined);
      return values.length === items.length ? values : undefined;
    },
    zero: [],
    expected,
  };
}

function parseRegExp(source: string): RegExp | undefined {
  try {
    return new RegExp(source);
  } catch {
    return undefined;
  }
}

function parseInteger(raw: string): number | undefined {
  const [, sign, digits] = /^([+-]?)(0[xX][\da-fA-F]+|0[bB][01]+|0[oO]?[0-7]*|[1-9]\d*)$/.exec(raw) ?? [];
  if (digits === undefined) return undefined;
  const value = Number(/^0[0-7]+$/.test(digits) ? `0o${digits}` : digits);
  return sign === '-' ? -value : value;
}

function within(value: number | undefined, min: number, max: number): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}
