import { describe, expect, test } from 'vitest';
import type { ActiveEntity, ActivePolicy, ActiveRule } from '../calc/output.ts';
import { cidr, type Family, ICMP, ICMPV6, TCP, UDP } from '../net/index.ts';
import type { Rule } from './chain.ts';
import { DEFAULT_RULES_CONFIG } from './config.ts';
import { policyChains, profileChains } from './policy.ts';

const ANY: ActiveEntity = {
  nets: [],
  notNets: [],
  sets: [],
  notSets: [],
  ports: [],
  portSets: [],
  notPorts: [],
  notPortSets: [],
};
type Fields = Partial<Omit<ActiveRule, 'source' | 'destination'>> & { source?: Partial<ActiveEntity> };

function policy(...ingress: Fields[]): ActivePolicy {
  const active = ingress.map(
    (fields): ActiveRule => ({
      action: 'allow',
      ...fields,
      source: { ...ANY, ...fields.source },
      destination: ANY,
    }),
  );
  return {
    id: { kind: 'NetworkPolicy', namespace: 'ns', name: 'p' },
    storedName: 'default.p',
    tier: 'default',
    doNotTrack: false,
    preDNAT: false,
    ingress: active,
    egress: [],
  };
}

function compiled(family: Family, ...rules: Fields[]): readonly Rule[] {
  return policyChains(policy(...rules), family, DEFAULT_RULES_CONFIG)[0]?.rules ?? [];
}

const nets = (...list: string[]) => list.map(cidr);

test('a chain for each direction, with the policy and the number in every rule', () => {
  const [ingress, egress] = policyChains(policy({}, { action: 'deny' }), 4, DEFAULT_RULES_CONFIG);
  const id = { kind: 'NetworkPolicy', namespace: 'ns', name: 'p' };
  expect(ingress).toEqual({
    name: 'cali-pi-ns/default.p',
    rules: [
      {
        match: {},
        action: { type: 'policy', verdict: 'allow' },
        origin: { type: 'policy', id, direction: 'ingress', rule: 0 },
      },
      { match: {}, action: { type: 'drop' }, origin: { type: 'policy', id, direction: 'ingress', rule: 1 } },
    ],
  });
  expect(egress).toEqual({ name: 'cali-po-ns/default.p', rules: [] });
});

test('rules keep their numbers where others say nothing about the family', () => {
  const rules = compiled(6, { ipVersion: 4 }, {}, { action: 'log' });
  expect(rules.map(({ origin }) => origin.type === 'policy' && origin.rule)).toEqual([1, 2]);
  expect(rules[1]?.action).toEqual({ type: 'log', prefix: 'calico-packet' });
});

test('a profile is named by its name', () => {
  const [ingress, egress] = profileChains({ name: 'open', ingress: [], egress: [] }, 4, DEFAULT_RULES_CONFIG);
  expect([ingress?.name, egress?.name]).toEqual(['cali-pri-open', 'cali-pro-open']);
});

describe('which families a rule is about', () => {
  const families = (fields: Fields) => ([4, 6] as const).filter((family) => compiled(family, fields).length > 0);

  test.each<[string, Fields, Family[]]>([
    ['any', {}, [4, 6]],
    ['its ipVersion', { ipVersion: 6 }, [6]],
    ['that of its prefixes', { source: { nets: nets('10.0.0.0/8') } }, [4]],
    ['that of its negated prefixes', { source: { notNets: nets('fd00::/8') } }, [6]],
    ['those of its prefixes', { source: { nets: nets('10.0.0.0/8', 'fd00::/8') } }, [4, 6]],
    ['prefixes that disagree', { source: { nets: nets('10.0.0.0/8'), notNets: nets('fd00::/8') } }, []],
    ['that of ICMP', { protocol: ICMP }, [4]],
    ['that of ICMPv6', { protocol: ICMPV6 }, [6]],
    ['not the world: nobody', { source: { notNets: nets('0.0.0.0/0') } }, []],
    ['a protocol and not that protocol: nobody', { protocol: TCP, notProtocol: TCP }, []],
  ])('%s', (_, fields, expected) => expect(families(fields)).toEqual(expected));
});

test('only the prefixes of the family are left', () => {
  const [rule] = compiled(6, { source: { nets: nets('10.0.0.0/8', 'fd00::/8') } });
  expect(rule?.match).toEqual({ source: { nets: ['fd00::/8'] } });
});

test('a protocol says all that a negated one beside it could', () => {
  expect(compiled(4, { protocol: TCP, notProtocol: UDP })[0]?.match).toEqual({ protocol: TCP });
});

test('HTTP conditions are for others to enforce: what they can see has to pass', () => {
  expect(compiled(4, { protocol: TCP, http: { methods: ['GET'] } })[0]?.match).toEqual({ protocol: TCP });
});

test('an action that there is not is no rule: it must not become one that lets through', () => {
  expect(() => compiled(4, { action: 'constructor' as 'allow' })).toThrow('constructor');
});
