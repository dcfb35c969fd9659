import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { chooseAddresses } from './addresses.ts';
import { fakeHost } from './testing/host.ts';
import type { Environment } from './variables.ts';

const INTERFACES = [
  { name: 'docker0', kind: 'bridge', has: ['172.17.0.1/16'] },
  { name: 'eth0', has: ['10.0.0.1/24', 'fd00::1/64'], defaultRoutes: [4, 6] as const },
  { name: 'tun0', kind: 'tun', has: ['10.8.0.1/24'], up: false },
];
const NOTHING = { ipv4: undefined, ipv6: undefined };
const STORED = { ipv4: '192.0.2.1/24', ipv6: 'fd00:2::1/64' };

/** With what is warned of. */
async function chosen(env: Environment, stored: { ipv4: string | undefined; ipv6: string | undefined }, again = false) {
  const warnings: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(JSON.parse(line).msg) });
  const addresses = await chooseAddresses({ env, host: fakeHost(INTERFACES), log, again }, stored);
  return { ...addresses, warnings: warnings.map((warning) => warning.replace("is this the node's address? ", '')) };
}

describe('the environment, what is stored and what is found', () => {
  test.each([
    ['IPv4 is found where nothing says otherwise', {}, NOTHING, '10.0.0.1/24', undefined],
    ['what is stored stays', {}, STORED, '192.0.2.1/24', 'fd00:2::1/64'],
    ['autodetect finds it anew', { IP: 'autodetect', IP6: 'autodetect' }, STORED, '10.0.0.1/24', 'fd00::1/64'],
    ['an address takes its place', { IP: '10.9.0.9/16', IP6: 'FD00:9:0::9/48' }, STORED, '10.9.0.9/16', 'fd00:9::9/48'],
    [
      'an address alone gets its prefix length',
      { IP: '10.0.0.1', IP6: 'fd00::1' },
      NOTHING,
      '10.0.0.1/24',
      'fd00::1/64',
    ],
    [
      'or none, where no interface has it',
      { IP: '10.0.0.99', IP6: 'fd00::99' },
      NOTHING,
      '10.0.0.99/32',
      'fd00::99/128',
    ],
    ['none: not found', { IP: 'none', IP6: 'autodetect' }, NOTHING, undefined, 'fd00::1/64'],
    ['none: what is stored stays', { IP: 'none', IP6: 'none' }, STORED, '192.0.2.1/24', 'fd00:2::1/64'],
    [
      'nothing found: what is stored stays',
      { IP: 'autodetect', IP_AUTODETECTION_METHOD: 'interface=x' },
      STORED,
      '192.0.2.1/24',
      'fd00:2::1/64',
    ],
  ] as const)('%s', async (_, env, stored, ipv4, ipv6) => {
    expect(await chosen(env, stored)).toMatchObject({ ipv4, ipv6 });
  });

  test.each([
    ['no address', { IP: 'bad' }, 'E_CONFIG'],
    ['one of the other family', { IP: 'fd00::1' }, 'E_CONFIG'],
    ['a length that is none', { IP: '10.0.0.1/33' }, 'E_CONFIG'],
    ['none at all', { IP: 'none' }, 'E_CONFIG'],
    ['a method that is none', { IP: 'autodetect', IP_AUTODETECTION_METHOD: 'guess' }, 'E_CONFIG'],
    ['nothing found', { IP_AUTODETECTION_METHOD: 'interface=x' }, 'E_NOT_FOUND'],
    ['nothing found for IPv6', { IP6: 'autodetect', IP6_AUTODETECTION_METHOD: 'cidr=fd01::/16' }, 'E_NOT_FOUND'],
  ])('%s: the node does not start', async (_, env, code) => {
    await expect(chosen(env, NOTHING)).rejects.toMatchObject({ code });
  });
});

describe('a warning for what looks wrong', () => {
  test.each([
    [{ IP: '10.0.0.1/24' }, []],
    [{}, []],
    [
      { IP_AUTODETECTION_METHOD: 'interface=docker0' },
      [/^docker0 looks like a network of containers/, /^the default route leaves by eth0, not by docker0$/],
    ],
    [{ IP: '10.8.0.1' }, [/^tun0 looks like a VPN/, /^tun0 is down$/, /^the default route/]],
    [{ IP: '10.0.0.9' }, [/^no interface of this host has 10\.0\.0\.9$/]],
  ])('%j', async (env, expected) => {
    const { warnings } = await chosen(env, NOTHING);
    expect(warnings).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
  });

  test('a later look tells only of what has changed', async () => {
    const env = { IP: 'autodetect', IP_AUTODETECTION_METHOD: 'interface=docker0' };
    expect((await chosen(env, { ipv4: '172.17.0.1/16', ipv6: undefined }, true)).warnings).toEqual([]);
    expect((await chosen(env, { ipv4: '10.0.0.1/24', ipv6: undefined }, true)).warnings).not.toEqual([]);
  });
});
