/** Random packets that open connections, between workloads and from and to the outside. */
import fc from 'fast-check';
import type { WorkloadEndpoint } from '../../src/model/index.ts';
import { ICMP, ICMPV6, TCP, UDP } from '../../src/net/index.ts';
import type { Opening, Resources } from '../naive/resources.ts';
import { OUTSIDE, workloadClusters } from './clusters.ts';
import { PORTS } from './rules.ts';

export interface Case {
  readonly resources: Resources;
  readonly packets: readonly Opening[];
}

const transport = fc.constantFrom(...PORTS).chain((sourcePort) =>
  fc.record({
    protocol: fc.constantFrom(TCP, TCP, UDP),
    sourcePort: fc.constantFrom(sourcePort, 50000),
    destinationPort: fc.constantFrom(...PORTS),
  }),
);
const icmpPacket = (protocol: number, type: number) =>
  fc.record({ protocol: fc.constant(protocol), icmpType: fc.constantFrom(type, 3), icmpCode: fc.constantFrom(0, 1) });
const payload = (family: 4 | 6): fc.Arbitrary<Omit<Opening, 'source' | 'destination'>> =>
  fc.oneof(
    { weight: 5, arbitrary: transport },
    { weight: 2, arbitrary: family === 4 ? icmpPacket(ICMP, 8) : icmpPacket(ICMPV6, 128) },
    { weight: 1, arbitrary: fc.constant({ protocol: 99 }) },
  );

/** From or to one of the workloads at least. */
function packetsAmong(present: readonly WorkloadEndpoint[]): fc.Arbitrary<Opening> {
  return fc.constantFrom<(4 | 6)[]>(4, 4, 4, 6).chain((family) => {
    const inside = present
      .flatMap(({ nets }) => nets.map((net) => net.split('/')[0] as string))
      .filter((ip) => ip.includes(':') === (family === 6));
    if (inside.length === 0) return packetsAmong(present.filter(({ nets }) => nets.some((net) => !net.includes(':'))));
    const own = fc.constantFrom(...inside);
    const any = fc.oneof({ weight: 3, arbitrary: own }, { weight: 1, arbitrary: fc.constantFrom(...OUTSIDE[family]) });
    return fc
      .record({ ends: fc.oneof(fc.tuple(own, any), fc.tuple(any, own)), payload: payload(family) })
      .filter(({ ends: [source, destination] }) => source !== destination)
      .map(({ ends: [source, destination], payload }) => ({ ...payload, source, destination }));
  });
}

/** With so many packets. */
export function casesOf(count: number): fc.Arbitrary<Case> {
  return workloadClusters.chain((resources) =>
    fc
      .array(packetsAmong(resources.workloads), { minLength: count, maxLength: count })
      .map((packets) => ({ resources, packets })),
  );
}
