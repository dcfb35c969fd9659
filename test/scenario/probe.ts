/** A probe and its result, in the words of the recordings (see test/vectors/felix/README.md). */
import type { Ip } from '../../src/net/index.ts';

export interface Probe {
  readonly from: string;
  /** A name of the lab, or an address. */
  readonly to: string;
  /** The address to send to. */
  readonly dst: Ip;
  readonly ip: 4 | 6;
  /** tcp, udp, icmp, or ipN with N a bare IP protocol number. */
  readonly proto: string;
  readonly port?: number;
  readonly sport?: number;
  readonly src?: Ip;
  readonly type?: number;
  readonly code?: number;
  readonly server?: string;
  readonly server_port?: number;
}

export type Verdict = 'allow' | 'drop' | 'reject' | 'oneway';

export interface ProbeResult extends Probe {
  readonly verdict: Verdict;
  /** The source address that the server saw. */
  readonly source?: string;
}

type OneOrMore<T> = T | readonly T[];

/** Matrix shorthand of scenario.json. */
export interface ProbeSpec extends Omit<Partial<Probe>, 'from' | 'to' | 'ip' | 'proto' | 'dst'> {
  readonly from: OneOrMore<string>;
  readonly to: OneOrMore<string>;
  readonly ip?: OneOrMore<4 | 6>;
  readonly proto: OneOrMore<string>;
  readonly ports?: readonly number[];
}

/** Every combination of a spec with `from` different from `to`. `address` gives a name's first address of a family. */
export function expand(spec: ProbeSpec, address: (name: string, family: 4 | 6) => Ip | undefined): Probe[] {
  const list = <T>(value: OneOrMore<T>): readonly T[] => (Array.isArray(value) ? value : [value as T]);
  const { from, to, ip, proto, ports, port, ...rest } = spec;
  const out: Probe[] = [];
  for (const family of list(ip ?? 4))
    for (const source of list(from))
      for (const target of list(to))
        for (const protocol of list(proto))
          for (const number of protocol === 'tcp' || protocol === 'udp' ? (ports ?? [port]) : [undefined]) {
            if (source === target) continue;
            const dst = address(target, family) ?? (target as Ip);
            const probe = { ...rest, from: source, to: target, dst, ip: family, proto: protocol };
            out.push(number === undefined ? probe : { ...probe, port: number });
          }
  return out;
}

/** What two recordings of the same probe agree on. */
export function probeKey(probe: Omit<Probe, 'dst'>): string {
  const fields = ['from', 'to', 'ip', 'proto', 'port', 'sport', 'src', 'type', 'code'] as const;
  return fields
    .filter((field) => probe[field] !== undefined)
    .map((field) => `${field}=${probe[field]}`)
    .join(' ');
}
