/** The machine `h1`, and random packets as they reach it: by an uplink, from a workload, or sent by itself. */
import fc from 'fast-check';
import { cidr, ICMP, ICMPV6, IPIP, TCP, UDP } from '../../src/net/index.ts';
import { DEFAULT_RULES_CONFIG } from '../../src/rules/index.ts';
import type { Arrival, Machine, Opening, Resources } from '../naive/resources.ts';
import { clusters, FLOATING, OUTSIDE, UPLINKS, WORKLOADS } from './clusters.ts';
import { PORTS } from './rules.ts';

export interface HostCase {
  readonly resources: Resources;
  readonly machine: Machine;
  readonly packets: readonly Arrival[];
}

/** Behind the second uplink is the outside; everything else that is not here is behind the first. */
const ROUTES = {
  '172.30.0.0/24': 'eth0',
  '172.31.0.0/24': 'eth1',
  '192.0.2.0/24': 'eth1',
  '0.0.0.0/0': 'eth0',
  'fd00:30::/64': 'eth0',
  'fd00:31::/64': 'eth1',
  'fd00:c0::/64': 'eth1',
  '::/0': 'eth0',
};

/** Ports that stay open for some only. */
const OUT_THERE = { net: cidr('192.0.2.0/24') };
const CLOSER: Pick<Machine, 'failsafeIn' | 'failsafeOut'> = {
  failsafeIn: [
    { protocol: TCP, port: 22, ...OUT_THERE },
    { protocol: TCP, port: 179 },
    { protocol: TCP, port: 80, ...OUT_THERE },
  ],
  failsafeOut: [
    { protocol: UDP, port: 53, net: cidr('::/0') },
    { protocol: UDP, port: 67 },
    { protocol: TCP, port: 443, ...OUT_THERE },
  ],
};

export function machineOf(endpointToHost: Machine['endpointToHost']): Machine {
  const { failsafeInbound, failsafeOutbound } = DEFAULT_RULES_CONFIG;
  return {
    node: 'h1',
    uplinks: UPLINKS,
    routes: ROUTES,
    endpointToHost,
    failsafeIn: failsafeInbound,
    failsafeOut: failsafeOutbound,
    ...(endpointToHost === 'return' && CLOSER),
  };
}

type Payload = Omit<Opening, 'source' | 'destination'>;
type Family = 4 | 6;

const port = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...PORTS) },
  { weight: 1, arbitrary: fc.constantFrom(22, 53, 67, 179, 4789) },
);
const transport = fc.record({
  protocol: fc.constantFrom(TCP, TCP, UDP),
  sourcePort: fc.oneof(port, fc.constant(50000), fc.constant(50000)),
  destinationPort: port,
});
/** Echo requests mostly; what belongs to no connection; and what every IPv6 host says to its neighbours. */
const ICMP_TYPES = { 4: [8, 8, 8, 13, 3], 6: [128, 128, 128, 3, 133, 135, 136] };
const icmp = (family: Family) =>
  fc.record({
    protocol: fc.constant(family === 4 ? ICMP : ICMPV6),
    icmpType: fc.constantFrom(...ICMP_TYPES[family]),
    icmpCode: fc.constantFrom(0, 1),
  });
const payload = (family: Family): fc.Arbitrary<Payload> =>
  fc.oneof(
    { weight: 6, arbitrary: transport },
    { weight: 3, arbitrary: icmp(family) },
    { weight: 1, arbitrary: fc.constantFrom({ protocol: 99 }, { protocol: 99 }, { protocol: IPIP }) },
  );

function stateOf({ protocol, icmpType }: Payload): Arrival['state'] {
  if (protocol === ICMPV6 && [133, 135, 136].includes(icmpType ?? 0)) return 'UNTRACKED';
  return (protocol === ICMP || protocol === ICMPV6) && icmpType === 3 ? 'INVALID' : 'NEW';
}

const ofFamily = (list: readonly string[], family: Family) => list.filter((ip) => ip.includes(':') === (family === 6));
const [here, far] = [true, false].map((local) => WORKLOADS.filter(({ node }) => (node === 'h1') === local)) as [
  (typeof WORKLOADS)[number][],
  (typeof WORKLOADS)[number][],
];
const floating = Object.values(FLOATING).flatMap((nats) => nats.map(({ external }) => external as string));
const own: string[] = Object.values(UPLINKS).flat();
const beyond = [...far.flatMap(({ ips }): string[] => [...ips]), ...OUTSIDE[4], ...OUTSIDE[6]];
const claimed = ['10.77.0.9', 'fd00:77::9'];
const services = ['10.96.0.1', 'fd00:96::1'];

/** Who it is from and by which way: of the workloads that there may be, of an uplink, or of the host. */
const from = (family: Family): fc.Arbitrary<Pick<Arrival, 'by' | 'source'>> => {
  const workload = fc
    .constantFrom(...here.filter(({ ips }) => ofFamily(ips, family).length > 0))
    .chain(({ interfaceName, ips }) =>
      fc.constantFrom(...ofFamily(ips, family)).map((source) => ({ by: interfaceName as string, source })),
    );
  const spoofed = workload.chain(({ by }) =>
    fc
      .constantFrom(...ofFamily([...beyond, ...claimed, ...claimed, '10.65.0.1'], family))
      .map((source) => ({ by, source })),
  );
  // On the link, which no route leads back to: from a workload that may not be there.
  const neighbour = workload.map(({ by, source }) => ({ by, source: family === 4 ? source : 'fe80::1' }));
  const uplink = fc.record({
    by: fc.constantFrom(...Object.keys(UPLINKS)),
    source: fc.constantFrom(...ofFamily(beyond, family)),
  });
  const host = fc.record({ by: fc.constant(null), source: fc.constantFrom(...ofFamily(own, family)) });
  return fc.oneof(
    { weight: 8, arbitrary: workload },
    { weight: 1, arbitrary: spoofed },
    { weight: 2, arbitrary: neighbour },
    { weight: 7, arbitrary: uplink },
    { weight: 4, arbitrary: host },
  );
};
const to = (family: Family): fc.Arbitrary<string> => {
  const local = here.flatMap(({ ips }): string[] => [...ips]);
  return fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...ofFamily(local, family)) },
    { weight: 4, arbitrary: fc.constantFrom(...ofFamily(own, family)) },
    { weight: 3, arbitrary: fc.constantFrom(...ofFamily(beyond, family)) },
    { weight: 1, arbitrary: fc.constantFrom(...ofFamily(floating, family)) },
    { weight: 1, arbitrary: fc.constantFrom(...ofFamily(services, family)) },
  );
};

export const arrival: fc.Arbitrary<Arrival> = fc
  .constantFrom<Family[]>(4, 4, 6)
  .chain((family) => fc.tuple(from(family), to(family), payload(family)))
  // What a host says to itself, or a workload to itself by its own address, is nobody's business.
  .filter(([{ by, source }, destination]) => source !== destination && !(by === null && own.includes(destination)))
  // Nobody forwards what is from the link.
  .filter(([{ source }, destination]) => !source.startsWith('fe80:') || own.includes(destination))
  .map(([from, destination, payload]) => ({ ...payload, ...from, destination, state: stateOf(payload) }));

/** With so many packets. */
export function hostCases(count: number): fc.Arbitrary<HostCase> {
  return fc.record({
    resources: clusters,
    machine: fc.constantFrom<Machine['endpointToHost']>('accept', 'drop', 'return').map(machineOf),
    packets: fc.array(arrival, { minLength: count, maxLength: count }),
  });
}
