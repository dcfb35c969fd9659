/** Random packets of the policy generator, as probes between the namespaces of a lab. */
import { ICMP, ICMPV6, type Ip, TCP, UDP } from '../../src/net/index.ts';
import type { Opening } from '../naive/resources.ts';
import type { Probe } from '../scenario/probe.ts';

/** Who has which address. */
export type Owners = ReadonlyMap<string, string>;

const NAMES: Readonly<Record<number, string>> = { [TCP]: 'tcp', [UDP]: 'udp', [ICMP]: 'icmp', [ICMPV6]: 'icmp' };
const FIRST_FREE_PORT = 50_000;

/**
 * A probe for each packet. Whoever it goes to listens there; its source port is the packet's where that is free, so that
 * no two probes are one connection. Of ICMP only echo requests are answered, so all are.
 */
export function probesOf(packets: readonly Opening[], owners: Owners): Probe[] {
  const taken = new Set(
    packets.map((packet) => socketOf(owners.get(packet.destination), packet, packet.destinationPort)),
  );
  return packets.map((packet, i) => {
    const { source, destination, protocol, sourcePort, destinationPort } = packet;
    const ip = source.includes(':') ? 6 : 4;
    const ends = { from: nameOf(owners, source), to: nameOf(owners, destination) };
    const addresses = { src: source as Ip, dst: destination as Ip, ip } as const;
    const proto = NAMES[protocol] ?? `ip${protocol}`;
    if (proto === 'icmp') return { ...ends, ...addresses, proto, type: ip === 4 ? 8 : 128, code: 0 };
    if (destinationPort === undefined) return { ...ends, ...addresses, proto };
    const wanted = socketOf(ends.from, packet, sourcePort);
    const sport = taken.has(wanted) ? FIRST_FREE_PORT + 1 + i : (sourcePort as number);
    taken.add(wanted);
    return { ...ends, ...addresses, proto, port: destinationPort, sport };
  });
}

function nameOf(owners: Owners, address: string): string {
  const name = owners.get(address);
  if (name === undefined) throw new RangeError(`nobody has ${address}`);
  return name;
}

const socketOf = (owner: string | undefined, { source, protocol }: Opening, port: number | undefined): string =>
  `${owner} ${source.includes(':') ? 6 : 4} ${protocol} ${port}`;

/** The packet that opens the probe's connection. */
export function openingOf({ src, dst, ip, proto, port, sport, type, code }: Probe): Opening {
  const protocol = { tcp: TCP, udp: UDP, icmp: ip === 4 ? ICMP : ICMPV6 }[proto] ?? Number(proto.slice(2));
  return {
    source: src as Ip,
    destination: dst,
    protocol,
    ...(sport !== undefined && { sourcePort: sport }),
    ...(port !== undefined && { destinationPort: port }),
    ...(type !== undefined && { icmpType: type }),
    ...(code !== undefined && { icmpCode: code }),
  };
}
