import { expect, it } from 'vitest';
import { parseRoutes, parseRoutes6 } from './workload-routes.ts';

it('IPv4: single addresses on workloads’ interfaces', () => {
  const text = [
    'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
    'eth0\t00000000\tFA00010A\t0003\t0\t0\t0\t00000000\t0\t0\t0',
    'caliw1\t0100460A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0',
    'caliw2\t0000460A\t00000000\t0001\t0\t0\t0\tC0FFFFFF\t0\t0\t0',
    'eth0\t0200460A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0',
    'tap1\t0300460A\t00000000\t0004\t0\t0\t0\tFFFFFFFF\t0\t0\t0',
    '',
  ].join('\n');
  expect(parseRoutes(text, ['cali', 'tap'])).toEqual(['10.70.0.1/32']);
});

it('IPv6: neither the link’s own addresses nor what the host has itself', () => {
  const zero = '00000000000000000000000000000000';
  const line = (destination: string, length: string, flags: string, name: string) =>
    `${destination} ${length} ${zero} 00 ${zero} 00000400 00000001 00000000 ${flags}    ${name}`;
  const text = [
    line('fd700000000000000000000000000001', '80', '00000001', 'caliw1'),
    line('fd700000000000000000000000000002', '80', '80200001', 'caliw1'),
    line('fe800000000000000000000000000000', '40', '00000001', 'caliw1'),
    line('fe8000000000000000000000000000ff', '80', '00000001', 'caliw1'),
    line('ff000000000000000000000000000000', '08', '00000001', 'caliw1'),
    '',
  ].join('\n');
  expect(parseRoutes6(text, ['cali'])).toEqual(['fd70::1/128']);
});
