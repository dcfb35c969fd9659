import { expect, test } from 'vitest';
import { qosControls } from './qos.ts';
import { Undecodable } from './read.ts';

const decode = (value: unknown) => qosControls(value, 'spec.qosControls');

test.each([[undefined], [null], [{}], [{ ingressBandwidth: 0, egressBurst: 5000 }], [{ egressPacketRate: -1 }]])(
  '%j limits nothing',
  (value) => expect(decode(value)).toBeUndefined(),
);

test('every limit, as it is written', () => {
  const both = (direction: string, n: number) => ({
    [`${direction}Bandwidth`]: n * 1_000_000,
    [`${direction}Burst`]: n * 2_000_000,
    [`${direction}Peakrate`]: n * 3_000_000,
    [`${direction}Minburst`]: n * 4000,
    [`${direction}PacketRate`]: n * 500,
    [`${direction}PacketBurst`]: n * 60,
    [`${direction}MaxConnections`]: n * 7,
  });
  const limits = (n: number) => ({
    bandwidth: { rate: n * 1_000_000, burst: n * 2_000_000, peakRate: n * 3_000_000, minBurst: n * 4000 },
    packetRate: { perSecond: n * 500, burst: n * 60 },
    maxConnections: n * 7,
  });
  expect(decode({ ...both('ingress', 1), ...both('egress', 2), dscp: 46 })).toEqual({
    ingress: limits(1),
    egress: limits(2),
    dscp: 46,
  });
});

test('what is left out is as upstream has it by default', () => {
  expect(decode({ ingressBandwidth: 1_000_000, egressPacketRate: 100 })).toEqual({
    ingress: { bandwidth: { rate: 1_000_000, burst: 4_294_967_296 } },
    egress: { packetRate: { perSecond: 100, burst: 5 } },
  });
});

test('what is out of range is at its end', () => {
  expect(decode({ ingressBandwidth: 1, ingressBurst: 1, egressBandwidth: 1e18, egressBurst: 1e18 })).toMatchObject({
    ingress: { bandwidth: { rate: 1000, burst: 1000 } },
    egress: { bandwidth: { rate: 1e15, burst: 34_359_738_360 } },
  });
  expect(decode({ ingressPacketRate: 1e6, ingressPacketBurst: 1e6, egressMaxConnections: 1e12 })).toEqual({
    ingress: { packetRate: { perSecond: 10_000, burst: 10_000 } },
    egress: { maxConnections: 4_294_967_295 },
  });
});

test('a peak is above the rate, or it is none', () => {
  const peaks = { ingressPeakrate: 2_000_000, ingressMinburst: 9000 };
  const bandwidth = { rate: 2_000_000, burst: 4_294_967_296 };
  expect(decode({ ingressBandwidth: 2_000_000, ...peaks })?.ingress).toEqual({ bandwidth });
  expect(decode({ ingressBandwidth: 1_999_999, ...peaks })?.ingress).toEqual({
    bandwidth: { ...bandwidth, rate: 1_999_999, peakRate: 2_000_000, minBurst: 9000 },
  });
  expect(decode(peaks)).toBeUndefined();
});

test.each([
  ['DF', 0],
  ['EF', 46],
  ['AF11', 10],
  ['AF43', 38],
  ['CS6', 48],
  ['12', 12],
  [0, 0],
  [63, 63],
  [64, undefined],
  [-1, undefined],
  ['x', undefined],
  ['AF14', undefined],
])('DSCP %j', (dscp, expected) => expect(decode({ dscp })?.dscp).toBe(expected));

test.each([['ingressBandwidth'], ['egressPacketBurst'], ['ingressMaxConnections']])('%s is a whole number', (name) => {
  expect(() => decode({ [name]: '10M' })).toThrow(Undecodable);
  expect(() => decode({ [name]: 1.5 })).toThrow(`spec.qosControls.${name}`);
});
