import { expect, test } from 'vitest';
import type { IPPool } from '../model/index.ts';
import { cidr, type Family } from '../net/index.ts';
import { DEFAULT_RULES_CONFIG, dscpChains, dscpHook, renderRule } from './index.ts';

const none = { ingress: {}, egress: {} };
const endpoints = [
  { nets: [cidr('10.65.0.2/32'), cidr('fd00::2/128')], qos: { ...none, dscp: 46 } },
  { nets: [cidr('10.65.0.1/32')], qos: { ...none, dscp: 0 } },
  { nets: [cidr('10.65.0.4/32')], qos: { ...none, dscp: 46 } },
  { nets: [cidr('10.65.0.3/32')], qos: { ingress: { maxConnections: 1 }, egress: {} } },
  { nets: [cidr('10.65.0.5/32')] },
];
const pools = ['10.66.0.0/16', '10.65.0.0/16', 'fd01::/64'].map((net) => ({ cidr: cidr(net) }) as IPPool);

function rendered(family: Family): Record<string, string[]> {
  const options = { family, marks: DEFAULT_RULES_CONFIG.marks, randomFully: true };
  const chains = dscpChains(endpoints, pools, family);
  const text = (rules: (typeof chains)[number]['rules']) => rules.map((rule) => renderRule(rule, options));
  return Object.fromEntries([
    ['POSTROUTING', text(dscpHook(chains))],
    ...chains.map(({ name, rules }) => [name, text(rules)] as const),
  ]);
}

test('what leaves the cluster is marked by its source', () => {
  const mark = (value: number) => [
    `-m comment --comment "DSCP of what leaves the cluster" --jump DSCP --set-dscp ${value}`,
  ];
  expect(rendered(4)).toEqual({
    POSTROUTING: ['--jump cali-POSTROUTING'],
    'cali-POSTROUTING': [
      '-m comment --comment "Stays in the cluster" --destination 10.65.0.0/16 --jump RETURN',
      '-m comment --comment "Stays in the cluster" --destination 10.66.0.0/16 --jump RETURN',
      '--source 10.65.0.1/32 --jump cali-dscp-0',
      '--source 10.65.0.2/32 --jump cali-dscp-46',
      '--source 10.65.0.4/32 --jump cali-dscp-46',
    ],
    'cali-dscp-0': mark(0),
    'cali-dscp-46': mark(46),
  });
  expect(rendered(6)['cali-POSTROUTING']).toEqual([
    '-m comment --comment "Stays in the cluster" --destination fd01::/64 --jump RETURN',
    '--source fd00::2/128 --jump cali-dscp-46',
  ]);
});

test('there are no rules while nobody has a code point', () => {
  expect(dscpChains(endpoints.slice(3), pools, 4)).toEqual([]);
  expect(dscpChains(endpoints.slice(1), pools, 6)).toEqual([]);
  expect(dscpHook([])).toEqual([]);
});
