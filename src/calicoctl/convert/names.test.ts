/** Names of the v1 API, and what upstream's conversion makes of them. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cidr, ip } from '../../net/index.ts';
import { addressName, cidrName, nodeName, policyName, profileName, resourceName } from './names.ts';

test.each([
  ['Node.Host', 'node.host'],
  ['a/b', 'a.b'],
  ['--a_.-b..', 'a.b'],
])('node %s', (name, expected) => {
  expect(nodeName(name)).toBe(expected);
});

test('a name that had to be changed gets a hash', () => {
  expect(resourceName('eth0')).toBe('eth0');
  expect(profileName('Profile_1')).toBe('profile-1-f6c2f543');
  expect(profileName('k8s_ns.default')).toBe('kns.default');
  expect(policyName('a.b')).toMatch(/^a-b-[0-9a-f]{8}$/);
});

test('addresses', () => {
  expect(addressName(ip('10.0.0.1'))).toBe('10-0-0-1');
  expect(addressName(ip('aa:bb::ff'))).toBe('00aa-00bb-0000-0000-0000-0000-0000-00ff');
});

const CIDRS = JSON.parse(
  readFileSync(new URL('../../../test/vectors/names/cidrNames.json', import.meta.url), 'utf8'),
) as { 'v3.15.0': { cidr: string; name: string } }[];

test.each(CIDRS.map((row) => row['v3.15.0']))('$cidr, as upstream', ({ cidr: text, name }) => {
  expect(cidrName(cidr(text))).toBe(name);
});
