import { describe, expect, test } from 'vitest';
import { ip } from '../net/index.ts';
import { detect } from './autodetect.ts';
import { parseMethod } from './method.ts';
import { fakeHost } from './testing/host.ts';

const HOST = fakeHost(
  [
    { name: 'lo', has: ['127.0.0.1/8', '192.0.2.250/32', '::1/128'] },
    { name: 'docker0', kind: 'bridge', has: ['172.17.0.1/16'] },
    { name: 'cali123', has: ['10.65.0.1/32'] },
    { name: 'eth0', has: ['169.254.3.4/16', 'fe80::1/64'] },
    { name: 'eth1', has: ['10.0.0.1/24', '10.0.0.2/24', 'fe80::2/64', 'fd00::1/64'] },
    { name: 'wlo1', has: ['192.168.7.1/24', 'fd00:7::1/64'] },
    { name: 'vxlan.calico', has: ['10.65.1.0/32'] },
  ],
  {
    sources: { '192.168.7.9': '192.168.7.1', 'fd00::9': 'fd00::1', elsewhere: '203.0.113.1' },
    internal: ['192.168.7.1', 'fd00:9::9'],
  },
);

const found = async (text: string, family: 4 | 6 = 4, keep?: string) => {
  const { address, prefixLength, on } = await detect(
    parseMethod(text, 'IP_AUTODETECTION_METHOD'),
    family,
    HOST,
    keep ? ip(keep) : undefined,
  );
  return `${address}/${prefixLength} ${on?.name}`;
};

describe('each method finds', () => {
  test.each([
    ['', 4, '10.0.0.1/24 eth1'],
    ['first-found', 4, '10.0.0.1/24 eth1'],
    ['first-found', 6, 'fd00::1/64 eth1'],
    ['interface=wlo1', 4, '192.168.7.1/24 wlo1'],
    ['interface=nosuch, wl.*', 6, 'fd00:7::1/64 wlo1'],
    ['interface=wl.*,eth.*', 4, '10.0.0.1/24 eth1'],
    ['interface=docker0', 4, '172.17.0.1/16 docker0'],
    ['interface=lo$', 4, '192.0.2.250/32 lo'],
    ['skip-interface=eth.*', 4, '192.168.7.1/24 wlo1'],
    ['skip-interface=eth0,wlo1', 4, '10.0.0.1/24 eth1'],
    ['cidr=192.168.0.0/16', 4, '192.168.7.1/24 wlo1'],
    ['cidr=203.0.113.0/24, 10.0.0.2/32', 4, '10.0.0.2/24 eth1'],
    ['cidr=fd00::/16', 6, 'fd00::1/64 eth1'],
    ['cidr=fd00:7::/64', 6, 'fd00:7::1/64 wlo1'],
    ['cidr=172.17.0.0/16', 4, '172.17.0.1/16 docker0'],
    ['can-reach=192.168.7.9', 4, '192.168.7.1/24 wlo1'],
    ['can-reach=fd00::9', 6, 'fd00::1/64 eth1'],
    ['kubernetes-internal-ip', 4, '192.168.7.1/24 wlo1'],
    ['kubernetes-internal-ip', 6, 'fd00:9::9/128 undefined'],
  ] as const)('%s, IPv%i: %s', async (text, family, address) => {
    expect(await found(text, family)).toBe(address);
  });
});

test.each([
  ['interface=nosuch', 4],
  ['interface=eth0', 4],
  ['skip-interface=eth1,wlo1', 4],
  ['cidr=fd00::/8', 4],
  ['can-reach=elsewhere', 4],
] as const)('%s, IPv%i, finds nothing', async (text, family) => {
  await expect(found(text, family)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
});

test('of several that would do, the one that is to stay', async () => {
  expect(await found('first-found', 4, '192.168.7.1')).toBe('192.168.7.1/24 wlo1');
  expect(await found('first-found', 4, '10.0.0.2')).toBe('10.0.0.2/24 eth1');
  expect(await found('first-found', 4, '172.17.0.1')).toBe('10.0.0.1/24 eth1');
  expect(await found('skip-interface=wlo1', 4, '192.168.7.1')).toBe('10.0.0.1/24 eth1');
});

test.each([
  'interface=',
  'interface=[',
  'cidr=',
  'cidr=10.0.0.1',
  'cidr=10.0.0.0/8,x',
  'can-reach=',
  'can-reach',
  'first',
  'interface',
])('%s is no method', (text) => {
  expect(() => parseMethod(text, 'IP_AUTODETECTION_METHOD')).toThrow(
    expect.objectContaining({ code: 'E_CONFIG', subject: 'IP_AUTODETECTION_METHOD' }),
  );
});
