/**
 * The kernel's routes to this host's workloads, as static routes for a BIRD that starts again.
 *
 * BIRD reads the kernel's routes only when its graceful restart is over, and by then it has told its peers that it has
 * told all: they would take the workloads' routes away, and get them again a moment later. With these it knows them from
 * the start. They go when BIRD has read the kernel.
 */
import { readFileSync } from 'node:fs';
import { formatIp } from '../net/index.ts';

const RTF_UP = 0x1;
const RTF_GATEWAY = 0x2;
const RTF_LOCAL = 0x80000000;

/** Empty where there are none, or none can be read. */
export function staticWorkloadRoutes(interfacePrefixes: readonly string[]): string {
  const tables = [
    [4, parseRoutes(read('/proc/net/route'), interfacePrefixes)],
    [6, parseRoutes6(read('/proc/net/ipv6_route'), interfacePrefixes)],
  ] as const;
  return tables
    .filter(([, routes]) => routes.length > 0)
    .map(([family, routes]) =>
      [
        `protocol static known${family} {`,
        `  ipv${family} { preference 190; };`,
        // Peers hear of the destination only, and the kernel of nothing.
        ...routes.map((destination) => `  route ${destination} blackhole;`),
        `}`,
        ``,
      ].join('\n'),
    )
    .join('');
}

/** Of /proc/net/route: `Iface Destination Gateway Flags RefCnt Use Metric Mask …`, addresses as the machine keeps them. */
export function parseRoutes(text: string, interfacePrefixes: readonly string[]): string[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', destination = '', , flags = '', , , , mask] = line.split('\t');
    if (!isWorkload(name, interfacePrefixes) || mask !== 'FFFFFFFF' || !isDirect(flags)) return [];
    const bytes = Buffer.from(destination, 'hex').reverse();
    return [`${formatIp(bytes)}/32`];
  });
}

/** Of /proc/net/ipv6_route: `destination length source length gateway metric refcnt use flags Iface`, numbers in hexadecimal. */
export function parseRoutes6(text: string, interfacePrefixes: readonly string[]): string[] {
  return text.split('\n').flatMap((line) => {
    const [destination = '', length, , , , , , , flags = '', name = ''] = line.trim().split(/\s+/);
    if (!isWorkload(name, interfacePrefixes) || length !== '80' || !isDirect(flags)) return [];
    const address = formatIp(Buffer.from(destination, 'hex'));
    return /^(fe80|ff)/.test(address) ? [] : [`${address}/128`];
  });
}

function isDirect(flags: string): boolean {
  const bits = Number.parseInt(flags, 16);
  return (bits & RTF_UP) !== 0 && (bits & RTF_GATEWAY) === 0 && (bits & RTF_LOCAL) === 0;
}

function isWorkload(name: string, interfacePrefixes: readonly string[]): boolean {
  return interfacePrefixes.some((prefix) => name.startsWith(prefix));
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
