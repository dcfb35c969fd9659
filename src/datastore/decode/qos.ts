/** spec.qosControls of a WorkloadEndpoint. */
import type { Bandwidth, PacketRate, QosControls, TrafficLimits } from '../../model/index.ts';
import * as read from './read.ts';

/** Upstream's, for resources that leave it out: 4 Gibit, 5 packets. */
const DEFAULT_BURST = 2 ** 32;
const DEFAULT_PACKET_BURST = 5;

/** Upstream's limits: of annotations of pods, and of Neutron's rules. */
const RANGES = {
  bandwidth: [1e3, 1e15],
  burst: [1e3, 8 * 0xffffffff],
  peakRate: [1.01e3, 1.01e15],
  minBurst: [1e3, 1e8],
  /** iptables counts in ten-thousandths of a second. */
  packets: [1, 10_000],
  connections: [1, 0xffffffff],
} as const;

/** Differentiated services code points by name (RFC 2474, 2597, 3246). */
const CODE_POINTS = new Map<string, number>([
  ['DF', 0],
  ['EF', 46],
]);
for (let level = 0; level <= 6; level++) CODE_POINTS.set(`CS${level}`, 8 * level);
for (let level = 1; level <= 4; level++)
  for (let drop = 1; drop <= 3; drop++) CODE_POINTS.set(`AF${level}${drop}`, 8 * level + 2 * drop);

/** Undefined when nothing is limited: most endpoints. Numbers that are not positive limit nothing, as upstream has it. */
export function qosControls(value: unknown, field: string): QosControls | undefined {
  if (value === undefined || value === null) return undefined;
  const fields = read.object(value, field);
  const ingress = limits(fields, 'ingress', field);
  const egress = limits(fields, 'egress', field);
  const dscp = codePoint(fields.dscp);
  if (dscp === undefined && Object.keys({ ...ingress, ...egress }).length === 0) return undefined;
  return { ingress, egress, ...(dscp !== undefined && { dscp }) };
}

function limits(fields: read.Fields, direction: 'ingress' | 'egress', field: string): TrafficLimits {
  const number = (name: string, range: keyof typeof RANGES): number | undefined => {
    const found = read.integer(fields[`${direction}${name}`], `${field}.${direction}${name}`);
    return found === undefined || found <= 0 ? undefined : within(found, RANGES[range]);
  };
  return read.present<TrafficLimits>({
    bandwidth: bandwidth(number),
    packetRate: packetRate(number),
    maxConnections: number('MaxConnections', 'connections'),
  });
}

type Reader = (name: string, range: keyof typeof RANGES) => number | undefined;

function bandwidth(number: Reader): Bandwidth | undefined {
  const rate = number('Bandwidth', 'bandwidth');
  const burst = number('Burst', 'burst') ?? DEFAULT_BURST;
  const peakRate = number('Peakrate', 'peakRate');
  const minBurst = number('Minburst', 'minBurst');
  if (rate === undefined) return undefined;
  // A peak that is no higher than the rate limits nothing more.
  if (peakRate === undefined || peakRate <= rate) return { rate, burst };
  return { rate, burst, peakRate, ...(minBurst !== undefined && { minBurst }) };
}

function packetRate(number: Reader): PacketRate | undefined {
  const perSecond = number('PacketRate', 'packets');
  const burst = number('PacketBurst', 'packets') ?? DEFAULT_PACKET_BURST;
  return perSecond === undefined ? undefined : { perSecond, burst };
}

/** Anything that is no code point marks nothing: it can be stored, and it is no reason to close the endpoint. */
function codePoint(value: unknown): number | undefined {
  const found = typeof value === 'string' ? (CODE_POINTS.get(value) ?? decimal(value)) : value;
  return typeof found === 'number' && Number.isInteger(found) && found >= 0 && found <= 63 ? found : undefined;
}

const decimal = (text: string): number | undefined => (/^\d+$/.test(text) ? Number(text) : undefined);

function within(value: number, [min, max]: readonly [number, number]): number {
  return Math.min(Math.max(value, min), max);
}
