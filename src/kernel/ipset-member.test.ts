import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cidrOf, type Family, formatIp } from '../net/index.ts';
import type { IpSetType } from './ipset.ts';
import { isMember, readMember, writeMember } from './ipset-member.ts';
import { MessageWriter } from './message.ts';

const address = (family: Family) =>
  fc.uint8Array({ minLength: family === 4 ? 4 : 16, maxLength: family === 4 ? 4 : 16 }).map(formatIp);
const port = fc.integer({ min: 0, max: 65535 });
const member: Record<IpSetType, (family: Family) => fc.Arbitrary<string>> = {
  'hash:ip': (family) => address(family),
  'hash:net': (family) =>
    fc.tuple(address(family), fc.integer({ min: 1, max: family === 4 ? 32 : 128 })).map(([a, l]) => cidrOf(a, l)),
  'hash:ip,port': (family) =>
    fc.tuple(address(family), fc.constantFrom('tcp', 'udp', 'sctp', '99'), port).map(([a, p, n]) => `${a},${p}:${n}`),
};

test.each(['hash:ip', 'hash:net', 'hash:ip,port'] as const)('members of %s go out and come back', (type) => {
  for (const family of [4, 6] as const) {
    fc.assert(
      fc.property(member[type](family), (text) => {
        expect(isMember(type, family, text)).toBe(true);
        expect(isMember(type, family === 4 ? 6 : 4, text)).toBe(false);
        const w = new MessageWriter();
        writeMember(w, type, text);
        expect(readMember(type, Buffer.from(w.bytes()))).toBe(text);
      }),
    );
  }
});

test.each<[IpSetType, Family, string]>([
  ['hash:ip', 4, '10.0.0.1/32'],
  ['hash:ip', 6, 'FD00::1'],
  ['hash:net', 4, '10.0.0.1'],
  ['hash:net', 4, '10.0.0.1/8'],
  ['hash:net', 4, '0.0.0.0/0'],
  ['hash:net', 6, '::/0'],
  ['hash:ip,port', 4, '10.0.0.1'],
  ['hash:ip,port', 4, '10.0.0.1,tcp:65536'],
  ['hash:ip,port', 4, '10.0.0.1,nonsense:1'],
  ['hash:ip,port', 4, '10.0.0.1,256:1'],
])('a set of %s, IPv%s cannot hold %s', (type, family, text) => {
  expect(isMember(type, family, text)).toBe(false);
});
