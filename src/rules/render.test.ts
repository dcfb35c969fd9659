/** Text and hashes as upstream v3.15 writes them. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { cidr, ip, TCP, UDP } from '../net/index.ts';
import { PLUMBING, rule } from './build.ts';
import type { Action, Match, Rule } from './chain.ts';
import { markBits } from './marks.ts';
import { type RenderOptions, renderChain, renderRule } from './render.ts';

const OPTIONS: RenderOptions = { family: 4, marks: markBits(0xffff0000), randomFully: true };
const text = (match: Match, action: Action = { type: 'drop' }, options = OPTIONS) =>
  renderRule(rule(match, action), options);

/** The rules of the recorded chains, as ours. */
const CHAINS: Record<string, readonly Rule[]> = {
  'cali-pi-default.p': [
    rule({ protocol: TCP, destination: { ports: [port(80), port(443)] } }, { type: 'mark', set: ['accept'] }),
    rule({ marked: ['accept'] }, { type: 'return' }),
    rule({ source: { nets: [cidr('10.0.0.0/8')] }, destination: { notNets: [cidr('10.1.0.0/16')] } }, { type: 'drop' }),
    rule({ source: { sets: ['s:abc'] }, destination: { notSets: ['s:def'] } }, { type: 'accept' }, PLUMBING, 'hello'),
    rule({}, { type: 'drop' }, PLUMBING, 'Drop if no profiles matched'),
  ],
  'cali-po-default.p': [
    rule({ protocol: TCP, destination: { ports: [port(80), port(443)] } }, { type: 'mark', set: ['accept'] }),
  ],
  'cali-nat-outgoing': [
    rule(
      { source: { sets: ['masq-ipam-pools'] }, destination: { notSets: ['all-ipam-pools'] } },
      { type: 'masquerade' },
    ),
    rule({ source: { sets: ['masq-ipam-pools'] } }, { type: 'snat', to: ip('192.0.2.1') }),
  ],
  'cali-fip-dnat': [
    rule(
      { destination: { nets: [cidr('172.16.1.3/32')] } },
      { type: 'dnat', to: ip('10.65.0.2') },
      { type: 'default', what: 'floating-ip' },
    ),
  ],
};

function port(number: number) {
  return { min: number, max: number };
}

interface Recorded {
  readonly chain: string;
  readonly features: string;
  readonly rules: readonly { append: string; hash: string }[];
}

const recorded = (
  JSON.parse(
    readFileSync(new URL('../../test/vectors/rules/names/ruleHashes.json', import.meta.url), 'utf8'),
  ) as Record<'v3.15.0', Recorded>[]
)
  .flatMap((row) => row['v3.15.0'] ?? [])
  .filter(({ chain }) => chain in CHAINS);

describe('the same text and hashes as upstream', () => {
  test.each(recorded)('$chain ($features)', ({ chain, features, rules }) => {
    const options = { ...OPTIONS, randomFully: features === 'fullyRandom' };
    const rendered = renderChain({ name: chain, rules: CHAINS[chain] as Rule[] }, options);
    expect(rendered.rules.map(({ text, hash }) => ({ append: `-A ${chain} ${text}`, hash }))).toEqual(
      rules.map(({ append, hash }) => ({ append, hash })),
    );
  });

  test('all chains of the recording that are about text are covered', () => {
    expect(new Set(recorded.map(({ chain }) => chain)).size).toBe(Object.keys(CHAINS).length);
  });
});

describe('what the recordings do not show', () => {
  test.each<[string, string]>([
    [text({ notInInterface: 'eth0', outInterface: 'tap+' }), '! --in-interface eth0 --out-interface tap+ --jump DROP'],
    [text({ notProtocol: UDP }), '! -p udp --jump DROP'],
    [text({ protocol: 99 }), '-p 99 --jump DROP'],
    [text({}, { type: 'log', prefix: 'calico' }), '--jump LOG --log-prefix "calico: " --log-level 5'],
    [text({}, { type: 'log', prefix: 'say "hi"' }), '--jump LOG --log-prefix "say \\"hi\\": " --log-level 5'],
    [text({}, { type: 'masquerade', ports: { min: 1, max: 9 } }), '--jump MASQUERADE --to-ports 1-9 --random-fully'],
    [
      text({}, { type: 'snat', to: ip('192.0.2.1'), ports: { min: 1, max: 9 } }),
      '--jump SNAT --to-source 192.0.2.1:1-9 --random-fully',
    ],
    [text({}, { type: 'dnat', to: ip('fd00::1'), port: 80 }), '--jump DNAT --to-destination [fd00::1]:80'],
    [
      text({ source: { local: true, localToOutInterface: false } }),
      '-m addrtype ! --src-type LOCAL --limit-iface-out -m addrtype --src-type LOCAL --jump DROP',
    ],
  ])('%s', (rendered, expected) => expect(rendered).toBe(expected));

  test('negated ports that are too many for one condition are several', () => {
    const notPorts = Array.from({ length: 16 }, (_, i) => port(i + 1));
    expect(text({ protocol: TCP, destination: { notPorts } })).toBe(
      `-p tcp -m multiport ! --destination-ports ${notPorts.slice(0, 15).map((p) => p.min)} -m multiport ! --destination-ports 16 --jump DROP`,
    );
  });
});

describe('a rule that is not lowered is refused', () => {
  const nets = [cidr('10.0.0.0/8'), cidr('11.0.0.0/8')];
  test.each<[string, Match, Action]>([
    ['verdicts of policy', {}, { type: 'policy', verdict: 'allow' }],
    ['dispatch', {}, { type: 'dispatch', by: 'inInterface', via: 'goto', table: new Map() }],
    ['several prefixes', { source: { nets } }, { type: 'drop' }],
    ['several prefixes, negated', { source: { notNets: nets } }, { type: 'drop' }],
    [
      'prefixes and negated ones',
      { source: { nets: [nets[0] as never], notNets: [nets[1] as never] } },
      { type: 'drop' },
    ],
    ['many ports', { source: { ports: Array.from({ length: 16 }, (_, i) => port(i)) } }, { type: 'drop' }],
  ])('%s', (_, match, action) => expect(() => text(match, action)).toThrow(TypeError));
});
