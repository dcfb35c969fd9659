import { expect, test } from 'vitest';
import { ip } from '../net/index.ts';
import { doubts } from './doubts.ts';
import { fakeInterface } from './testing/host.ts';

test.each([
  ['eth0', ''],
  ['bond0', 'bond'],
  ['eth0.5', 'vlan'],
  ['enp3s0', ''],
])('%s, %s: nothing looks wrong', (name, kind) => {
  const on = fakeInterface({ name, kind, has: ['10.0.0.1/24'], defaultRoutes: [4] });
  expect(doubts({ address: ip('10.0.0.1'), prefixLength: 24, on }, 4, [on])).toEqual([]);
});

test.each([
  ['docker0', 'bridge', 'containers'],
  ['br-0123456789ab', 'bridge', 'containers'],
  ['virbr0', 'bridge', 'containers'],
  ['br-ex', 'bridge', 'is a bridge'],
  ['wg0', 'wireguard', 'VPN'],
  ['office', 'wireguard', 'VPN'],
  ['tailscale0', 'tun', 'VPN'],
  ['ppp0', 'ppp', 'VPN'],
  ['tun0', 'tun', 'VPN'],
])('%s, %s: %s', (name, kind, word) => {
  const on = fakeInterface({ name, kind, has: ['10.0.0.1/24'] });
  expect(doubts({ address: ip('10.0.0.1'), prefixLength: 24, on }, 4, [on])).toEqual([expect.stringContaining(word)]);
});
