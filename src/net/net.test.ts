import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addressOf,
  bytesOf,
  cidr,
  cidrOf,
  contains,
  formatIp,
  fromBigInt,
  ip,
  lengthOf,
  parseCidr,
  parseIp,
  parsePortRange,
  parseProtocol,
  protocolName,
  toBigInt,
} from './index.ts';

const anyBytes = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
);

describe('addresses', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:0:0:0:1', '2001:db8:0:1::1'],
    ['0:0:1:0:0:0:0:0', '0:0:1::'],
    ['1:0:0:2:0:0:3:4', '1::2:0:0:3:4'],
    ['::', '::'],
    ['::ffff:10.1.2.3', '::ffff:10.1.2.3'],
    ['64:ff9b::10.0.0.1', '64:ff9b::a00:1'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ])('%s is %s', (text, canonical) => expect(parseIp(text)).toBe(canonical));

  it.each([
    '',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '1.2.3.4.5',
    ':::',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    'g::',
    '1:2:3:4:5:6:7:8::',
    '10.0.0.1 ',
  ])('%s is none', (text) => expect(parseIp(text)).toBeNull());

  it('the text of any bytes parses back to them, and the system agrees that it is an address', () =>
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const text = formatIp(bytes);
        expect(isIP(text)).toBe(bytes.length === 4 ? 4 : 6);
        expect(parseIp(text)).toBe(text);
        expect([...bytesOf(text)]).toEqual([...bytes]);
        expect(fromBigInt(toBigInt(text), bytes.length === 4 ? 4 : 6)).toBe(text);
      }),
    ));
});

describe('prefixes', () => {
  it.each([
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['10.1.2.3', '10.1.2.3/32'],
    ['10.1.2.3/31', '10.1.2.2/31'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['FD00::1:0/112', 'fd00::1:0/112'],
    ['fd00::1', 'fd00::1/128'],
  ])('%s is %s', (text, canonical) => expect(parseCidr(text)).toBe(canonical));

  it.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', 'fd00::/129', '/8', '10.0.0.0/8/8'])('%s is none', (text) =>
    expect(parseCidr(text)).toBeNull(),
  );

  it('hold what their bits say', () =>
    fc.assert(
      fc.property(anyBytes, anyBytes, fc.nat(128), (a, b, n) => {
        const bits = a.length * 8;
        const prefix = cidrOf(formatIp(a), Math.min(n, bits));
        const shift = BigInt(bits - lengthOf(prefix));
        const same = a.length === b.length && toBigInt(formatIp(a)) >> shift === toBigInt(formatIp(b)) >> shift;
        expect(contains(prefix, formatIp(b))).toBe(same);
        expect(contains(prefix, formatIp(a))).toBe(true);
        expect(addressOf(prefix)).toBe(parseIp(addressOf(prefix)));
      }),
    ));

  it('hold smaller prefixes, not larger ones', () => {
    expect(contains(cidr('10.0.0.0/8'), cidr('10.1.0.0/16'))).toBe(true);
    expect(contains(cidr('10.1.0.0/16'), cidr('10.0.0.0/8'))).toBe(false);
    expect(contains(cidr('::/0'), ip('10.0.0.1'))).toBe(false);
  });
});

describe('ports and protocols', () => {
  it('parse', () => {
    expect(parsePortRange('80')).toEqual({ min: 80, max: 80 });
    expect(parsePortRange('80:90')).toEqual({ min: 80, max: 90 });
    for (const bad of ['90:80', '65536', 'http', '', '1:2:3', '-1']) expect(parsePortRange(bad)).toBeNull();
    expect(parseProtocol('icmpv6')).toBe(58);
    expect(parseProtocol('99')).toBe(99);
    expect(parseProtocol(256)).toBeNull();
    expect(protocolName(136)).toBe('UDPLite');
    expect(protocolName(99)).toBe('99');
  });
});
