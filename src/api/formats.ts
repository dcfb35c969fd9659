/** Checks of texts: what is wrong in words, or null. */
import { parseCidr, parseIp } from '../net/index.ts';
import type { Check } from './fields.ts';
import { toJson } from './json.ts';

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const QUALIFIED_PART = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

/** Names of resources: DNS subdomains. */
export const name: Check = (text) =>
  matches(
    text,
    SUBDOMAIN,
    "must be lower-case letters, digits, '-' or '.', and start and end with a letter or digit",
  ) ?? longest(text, 253);

/** No longer than a name may be; its characters depend on other fields. */
export const longName: Check = (text) => longest(text, 253);

/** Names of policies: as `name`, without dots. */
export const dnsLabel: Check = (text) =>
  matches(text, LABEL, "must be lower-case letters, digits or '-', and start and end with a letter or digit");

/** What is part of keys and names, such as tiers and OpenStack's regions: no longer than a label of a host name may be. */
export const shortLabel: Check = (text) => dnsLabel(text) ?? longest(text, 63);

/** Names of policies: those of newer versions may have the name of a tier, and a dot, before them. */
export const policyName: Check = (text) => {
  const dot = text.indexOf('.');
  return (dot >= 0 && dnsLabel(text.slice(0, dot))) || dnsLabel(text.slice(dot + 1)) || longest(text, 253);
};

/** The name of what there is one of. */
export const onlyDefault: Check = (text) => (text === 'default' ? null : 'must be default: there is one only');

export const ip: Check = (text) => (parseIp(text) ? null : 'must be an IP address');
export const ipv4: Check = (text) => (familyOf(text) === 4 ? null : 'must be an IPv4 address');
export const ipv6: Check = (text) => (familyOf(text) === 6 ? null : 'must be an IPv6 address');

/** An address, or an address and a port: `10.0.0.1:1790`, `[fd00::1]:1790`. */
export const ipWithPort: Check = (text) => {
  const match = /^(?:([\d.]+)|\[([\da-fA-F:.]+)\]):(\d{1,5})$/.exec(text);
  if (!match) return ip(text);
  const port = Number(match[3]);
  return parseIp(match[1] ?? (match[2] as string)) && port >= 1 && port <= 65535
    ? null
    : 'must be an IP address, or one with a port between 1 and 65535';
};

/** An address or a prefix, host bits allowed. */
export const cidr: Check = (text) => (parseCidr(text) ? null : 'must be an IP address or prefix');
export const cidrv4: Check = (text) => (cidrFamily(text) === 4 ? null : 'must be an IPv4 address or prefix');
export const cidrv6: Check = (text) => (cidrFamily(text) === 6 ? null : 'must be an IPv6 address or prefix');

/** An address or a prefix without host bits. */
export const net: Check = (text) => {
  const prefix = parseCidr(text);
  if (!prefix) return 'must be an IP address or prefix';
  if (!text.includes('/')) return null;
  const address = parseIp(text.slice(0, text.indexOf('/')));
  return prefix.startsWith(`${address}/`) ? null : `must have no host bits set: ${prefix}`;
};

/** A prefix with its length, host bits allowed. */
export const cidrWithLength: Check = (text) =>
  text.includes('/') ? cidr(text) : 'must be a prefix with its length, such as 10.0.0.1/32';

/** A prefix with its length and without host bits. */
export const prefix: Check = (text) => (text.includes('/') ? net(text) : 'must be a prefix, such as 10.0.0.0/8');

export const mac: Check = (text) =>
  matches(
    text,
    /^([0-9a-fA-F]{2}([:-])[0-9a-fA-F]{2}(\2[0-9a-fA-F]{2}){4}(\2[0-9a-fA-F]{2}\2[0-9a-fA-F]{2})?)$/,
    'must be a MAC address',
  );

/** A Linux interface name: up to 15 characters. */
export const interfaceName: Check = (text) =>
  matches(text, /^[a-zA-Z0-9_.-]{1,15}$/, "must be 1 to 15 letters, digits, '_', '.' or '-'");

/** An interface name, or `*` for all interfaces. */
export const interfaceOrAll: Check = (text) => (text === '*' ? null : interfaceName(text));

/** An interface name that may end in `+` for any suffix. */
export const interfaceFilter: Check = (text) =>
  matches(text, /^[a-zA-Z0-9_.-]{1,15}\+?$/, "must be an interface name, with '+' at its end for any suffix");

/** An interface name in which `*` stands for anything. */
export const interfacePattern: Check = (text) =>
  matches(text, /^[a-zA-Z0-9_.*-]{1,15}$/, "must be an interface name, in which '*' stands for anything");

/** `64512:1` (16 bits each) or `64512:1:2` (32 bits each). */
export const community: Check = (text) => {
  const parts = text.split(':');
  const most = parts.length === 2 ? 65535 : parts.length === 3 ? 4294967295 : -1;
  return parts.every((part) => /^\d{1,10}$/.test(part) && Number(part) <= most)
    ? null
    : 'must be a BGP community such as 64512:1 (16 bits each) or 64512:1:2 (32 bits each)';
};

export const bgpName: Check = (text) =>
  matches(text, /^[a-zA-Z0-9]([a-zA-Z0-9_.-]*[a-zA-Z0-9])?$/, "must be letters, digits, '-', '_' or '.'");

export const communityOrName: Check = (text) => (text.includes(':') ? community(text) : bgpName(text));

export const containerId: Check = (text) =>
  matches(text, /^[a-zA-Z0-9]([a-zA-Z0-9_-]*[a-zA-Z0-9])?$/, "must be letters, digits, '-' or '_'");

/** Base64 of 32 bytes. */
export const wireguardKey: Check = (text) =>
  matches(text, /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/, 'must be a WireGuard public key: 32 bytes in base64');

/** An address or a host's name. */
export const host: Check = (text) =>
  parseIp(text) || /^[a-zA-Z0-9:._+-]{1,64}$/.test(text) ? null : 'must be an IP address or a host name';

export const regexp: Check = (text) => {
  try {
    new RegExp(text);
    return null;
  } catch {
    return 'must be a regular expression';
  }
};

/** Label names: an optional subdomain and `/`, and up to 63 letters, digits, `-`, `_` or `.`. */
export const labelName: Check = (text) => {
  const slash = text.indexOf('/');
  const part = text.slice(slash + 1);
  if (slash >= 0 && (!SUBDOMAIN.test(text.slice(0, slash)) || slash > 253))
    return `label name ${quote(text)}: the part before '/' must be a DNS subdomain`;
  if (part.length > 63 || !QUALIFIED_PART.test(part))
    return `label name ${quote(text)}: must be 1 to 63 letters, digits, '-', '_' or '.', and start and end with a letter or digit`;
  return null;
};

/** Label values: empty, or up to 63 letters, digits, `-`, `_` or `.`. */
export const labelValue: Check = (text) =>
  text === '' || (text.length <= 63 && QUALIFIED_PART.test(text))
    ? null
    : `label value ${quote(text)}: must be empty or up to 63 letters, digits, '-', '_' or '.', and start and end with a letter or digit`;

export const labels: Check<Record<string, string>> = (map) => {
  for (const [key, value] of Object.entries(map)) {
    const problem = labelName(key) ?? labelValue(value);
    if (problem) return problem;
  }
  return null;
};

/** As label names, whose prefix may have capitals. */
export const annotations: Check<Record<string, string>> = (map) => {
  for (const key of Object.keys(map)) {
    const problem = labelName(key.toLowerCase());
    if (problem) return problem.replace('label name', 'annotation');
  }
  return null;
};

export function matches(text: string, pattern: RegExp, problem: string): string | null {
  return pattern.test(text) ? null : problem;
}

/** A value in a message, shortened. */
export function quote(value: unknown): string {
  const text = typeof value === 'string' ? `'${value}'` : value === undefined ? 'nothing' : toJson(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function longest(text: string, most: number): string | null {
  return text.length <= most ? null : `must be no longer than ${most} characters`;
}

function familyOf(text: string): 4 | 6 | null {
  const parsed = parseIp(text);
  return parsed && (parsed.includes(':') ? 6 : 4);
}

function cidrFamily(text: string): 4 | 6 | null {
  const parsed = parseCidr(text);
  return parsed && (parsed.includes(':') ? 6 : 4);
}
