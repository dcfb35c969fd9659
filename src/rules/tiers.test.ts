/** Tiers: who is asked, and what becomes of a packet that nobody in a tier decides. */
import { describe, expect, test } from 'vitest';
import { hostEndpoint, policy, rule, tier } from '../calc/testing/resources.ts';
import { ip } from '../net/index.ts';
import { fromOutside, fromW1, fromW1v6, OWN, open, outcome, rendered, send, w1, w2 } from './testing/send.ts';

const first = tier('first', { order: 1 });
const second = tier('second', { order: 2 });
const passing = tier('first', { order: 1, defaultAction: 'pass' });
/** A policy for everything that comes to w2. */
const says = (name: string, of: string, ...actions: ('allow' | 'deny' | 'pass' | 'log')[]) =>
  policy(name, { tier: of, types: ['ingress'], ingress: actions.map((action) => rule({ action })) });
const hosts = [open, w1, w2];

describe.each([
  ['IPv4', fromW1],
  ['IPv6', fromW1v6],
])('%s', (_, packet) => {
  const decided = (...resources: Parameters<typeof send>[1]) => {
    const { verdict, decider } = send(packet, [...hosts, ...resources]);
    const origin = decider?.rule.origin;
    return [verdict, origin?.type === 'policy' ? origin.id.name : origin?.type === 'default' ? origin.tier : undefined];
  };

  test('the first tier that decides has the last word', () => {
    const later = says('later', 'second', 'deny');
    expect(decided(first, second, says('p', 'first', 'allow'), later)).toEqual(['accept', 'p']);
    expect(decided(first, second, says('p', 'first', 'deny'), says('later', 'second', 'allow'))).toEqual(['drop', 'p']);
  });

  test('Pass goes to the next tier, past what is left of its own', () => {
    const passes = says('a', 'first', 'pass', 'deny');
    const skipped = says('b', 'first', 'deny');
    const own = [first, second, passes, skipped];
    expect(decided(...own, says('c', 'second', 'deny'))).toEqual(['drop', 'c']);
    expect(decided(...own, says('c', 'second', 'allow'))).toEqual(['accept', 'c']);
    expect(decided(...own, says('c', 'second', 'pass'), says('d', 'second', 'deny'))).toEqual(['accept', 'open']);
    expect(decided(...own)).toEqual(['accept', 'open']);
  });

  test('a tier ends in a drop, though the next would allow', () => {
    expect(decided(first, second, says('p', 'first', 'log'), says('q', 'second', 'allow'))).toEqual(['drop', 'first']);
  });

  test('where it applies only: other endpoints, and the other direction, do not notice', () => {
    const elsewhere = policy('p', { tier: 'first', selector: 'has(nothing)' });
    const egress = policy('q', { tier: 'first', types: ['egress'], egress: [rule()] });
    expect(decided(first, second, elsewhere, egress, says('r', 'second', 'allow'))).toEqual(['accept', 'r']);
    expect(decided(first, elsewhere)).toEqual(['accept', 'open']);
  });

  test('defaultAction Pass: on to the next tier, in the end to the profiles', () => {
    const silent = says('p', 'first', 'log');
    expect(decided(passing, second, silent, says('q', 'second', 'deny'))).toEqual(['drop', 'q']);
    expect(decided(passing, second, silent, says('q', 'second', 'log'))).toEqual(['drop', 'second']);
    expect(decided(passing, silent)).toEqual(['accept', 'open']);
    expect(decided(passing, says('p', 'first', 'deny'))).toEqual(['drop', 'p']);
  });

  test('a tier that is not there comes after all others, and ends in a drop', () => {
    expect(decided(says('p', 'nowhere', 'log'))).toEqual(['drop', 'nowhere']);
    expect(decided(says('p', 'nowhere', 'deny'), says('q', 'default', 'allow'))).toEqual(['accept', 'q']);
  });
});

describe('host endpoints', () => {
  const eth0 = hostEndpoint('eth0', { interfaceName: 'eth0', profiles: ['open'] });
  const vm = { ...w1, labels: { workload: 'yes' } };
  const toHost = { ...fromOutside, destination: OWN[4] };
  const forwarded = { ...fromOutside, destination: ip('10.65.0.1') };
  const on = (
    name: string,
    of: string,
    action: 'allow' | 'deny' | 'pass' | 'log',
    fields: Parameters<typeof policy>[1],
  ) => policy(name, { ...says(name, of, action), selector: '!has(workload)', ...fields });

  test('the host itself', () => {
    const resources = [first, second, eth0, open, on('p', 'first', 'pass', {})];
    expect(outcome(send(toHost, resources))).toEqual(['accept', 'policy']);
    expect(outcome(send(toHost, [...resources, on('q', 'second', 'log', {})]))).toEqual(['drop', 'end-of-tier']);
  });

  test('what it forwards: no profiles; what every tier passes is left to the workload and to others', () => {
    const forward = { applyOnForward: true };
    const resources = [first, second, eth0, open, vm];
    const silent = on('p', 'first', 'log', forward);
    expect(outcome(send(forwarded, [...resources, silent]))).toEqual(['drop', 'end-of-tier']);
    expect(outcome(send(forwarded, [...resources, on('p', 'first', 'pass', forward)]))).toEqual(['accept', 'policy']);
    expect(
      outcome(send(forwarded, [passing, ...resources.slice(1), silent, on('q', 'second', 'deny', forward)])),
    ).toEqual(['drop', 'policy']);
  });

  test.each([
    ['untracked', { doNotTrack: true, applyOnForward: true }],
    ['preDNAT', { preDNAT: true, applyOnForward: true }],
  ])('%s: Pass to the next tier; what nobody decides goes on to the tables that follow', (_, role) => {
    const closed = { ...eth0, profiles: [] };
    const passes = on('p', 'first', 'pass', role);
    expect(outcome(send(toHost, [first, second, closed, passes, on('q', 'second', 'allow', role)]))).toEqual([
      'accept',
      'policy',
    ]);
    expect(outcome(send(toHost, [first, second, closed, on('p', 'first', 'log', role)]))).toEqual([
      'drop',
      'no-profile-matched',
    ]);
  });
});

test('as iptables hears it', () => {
  const resources = [passing, second, ...hosts, says('p', 'first', 'pass'), says('q', 'second', 'deny')];
  expect(rendered(resources, { chain: 'cali-tw-cali2' }).slice(3)).toEqual([
    '-m comment --comment "Start of tier first" --jump MARK --set-mark 0/0x20000',
    '-m mark --mark 0/0x20000 --jump cali-pi-default.p',
    '-m comment --comment "Return if policy accepted" -m mark --mark 0x10000/0x10000 --jump RETURN',
    '-m comment --comment "Start of tier second" --jump MARK --set-mark 0/0x20000',
    '-m mark --mark 0/0x20000 --jump cali-pi-default.q',
    '-m comment --comment "Return if policy accepted" -m mark --mark 0x10000/0x10000 --jump RETURN',
    '-m comment --comment "Drop if no policies passed packet" -m mark --mark 0/0x20000 --jump DROP',
    '--jump cali-pri-open',
    '-m comment --comment "Return if profile accepted" -m mark --mark 0x10000/0x10000 --jump RETURN',
    '-m comment --comment "Drop if no profiles matched" --jump DROP',
  ]);
});
