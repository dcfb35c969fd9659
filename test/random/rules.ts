/** Random rules out of a small universe, so that they meet packets often. */
import fc from 'fast-check';
import { rule } from '../../src/calc/testing/resources.ts';
import { ruleSelector } from '../../src/datastore/decode/selectors.ts';
import type { Rule, RuleEntity } from '../../src/model/index.ts';
import { type Cidr, cidr, ICMP, ICMPV6, type PortRange, SCTP, TCP, UDP } from '../../src/net/index.ts';
import type { WrittenEntity } from '../naive/resources.ts';

export const NETS = [
  '10.65.0.0/24', '10.65.0.1/32', '10.65.0.2/31', '10.65.0.4/30', '10.64.0.0/14', '192.0.2.0/29', '192.0.2.9/32',
  '0.0.0.0/0', 'fd00:65::/64', 'fd00:65::2/127', 'fd00:c0::1/128', '::/0',
]; // biome-ignore format: a table

export const PORTS = [80, 81, 82, 443, 1000, 8001];
export const some = <T>(list: readonly T[], maxLength: number) =>
  fc.uniqueArray(fc.constantFrom(...list), { maxLength });
/** Mostly `empty`, else the arbitrary's: rules with every field set match nothing. */
export const seldom = <T, E>(arbitrary: fc.Arbitrary<T>, empty: E, weight = 3): fc.Arbitrary<T | E> =>
  fc.oneof({ weight, arbitrary: fc.constant(empty) }, { weight: 1, arbitrary });

const label = fc.constantFrom('a', 'b');
const value = fc.constantFrom('x', 'y', 'xy');
export const labels = fc.dictionary(label, value, { maxKeys: 2 });

const atom = fc.oneof(
  fc
    .tuple(label, fc.constantFrom('==', '!=', 'contains', 'starts with', 'ends with'), value)
    .map(([l, op, v]) => `${l} ${op} '${v}'`),
  fc
    .tuple(label, fc.constantFrom('in', 'not in'), some(['x', 'y', 'xy'], 2))
    .map(([l, op, v]) => `${l} ${op} {${v.map((x) => `'${x}'`).join(', ')}}`),
  label.map((l) => `has(${l})`),
  fc.constant('all()'),
);
export const selector = fc.oneof(
  { weight: 4, arbitrary: atom },
  { weight: 1, arbitrary: fc.tuple(atom, fc.constantFrom('&&', '||'), atom).map(([l, op, r]) => `${l} ${op} !(${r})`) },
);

const single = fc.constantFrom(...PORTS).map((port): PortRange => ({ min: port, max: port }));
const range = fc.oneof(single, fc.constantFrom({ min: 80, max: 82 }, { min: 81, max: 443 }, { min: 82, max: 1000 }));
/** More than one match can say, with the port that packets have among the last. */
const manyPorts = fc
  .constantFrom(0, 16, 16)
  .chain((extra) => fc.array(range, { minLength: 1, maxLength: 2 }).map((last) => [...filler(extra), ...last]));
const filler = (count: number): PortRange[] =>
  Array.from({ length: count }, (_, i) => ({ min: 20000 + 2 * i, max: 20000 + 2 * i }));
const named = fc.constantFrom('web', 'dns').map((name) => ({ name }));
const ports: fc.Arbitrary<RuleEntity['ports']> = fc.oneof(
  { weight: 3, arbitrary: fc.array(range, { minLength: 1, maxLength: 3 }) },
  { weight: 4, arbitrary: manyPorts },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.array(range, { maxLength: 1 }), fc.array(named, { minLength: 1, maxLength: 2 }))
      .map((lists) => lists.flat()),
  },
);

const nets = fc
  .uniqueArray(fc.constantFrom(...NETS), { minLength: 1, maxLength: 3 })
  .map((list) => list.map((net): Cidr => cidr(net)));
const names = fc.constantFrom<string[]>([], [], ['sa'], ['sa', 'other']);
const otherSelector = fc.constantFrom('', '', "a == 'x'", "a != 'x'", 'has(b)', 'all()', 'global()');

type Side = Partial<RuleEntity>;
/** Now and then also by namespace or service account, as a rule of a policy in this namespace (or in none) says so. */
function chosen<T extends Side>(
  side: fc.Arbitrary<T>,
  namespace: string | undefined,
): fc.Arbitrary<T | Partial<WrittenEntity>> {
  const parts = fc.record({
    selector: seldom(selector, ''),
    namespaceSelector: otherSelector,
    accounts: otherSelector,
    names,
  });
  const by = fc
    .tuple(side, parts)
    .map(([rest, { selector, namespaceSelector, accounts, names }]): Partial<WrittenEntity> => {
      const serviceAccounts = { names, selector: accounts };
      const written = { selector, namespaceSelector, serviceAccounts, ...(namespace !== undefined && { namespace }) };
      return {
        ...rest,
        written,
        selector: ruleSelector({ ...written, notSelector: rest.notSelector }, 'side', namespace),
      };
    });
  return fc.oneof({ weight: 3, arbitrary: side }, { weight: 1, arbitrary: by });
}

const addresses = {
  nets: seldom(nets, [], 3),
  notNets: seldom(nets, [], 6),
  selector: seldom(selector, '', 4),
  notSelector: seldom(selector, '', 6),
};
/** Where ports are asked about, addresses seldom are. */
const fewAddresses = {
  nets: seldom(nets, [], 4),
  notNets: seldom(nets, [], 12),
  selector: seldom(selector, '', 3),
  notSelector: seldom(selector, '', 9),
};
const none = fc.constant([]);
const notProtocol = fc.constantFrom(TCP, UDP, ICMP, ICMPV6, 99);

/** ICMP rules mostly about the message alone, with the types that packets have. */
const icmp = (side: fc.Arbitrary<Side>) =>
  fc.constantFrom({ protocol: ICMP, type: 8 }, { protocol: ICMPV6, type: 128 }).chain(({ protocol, type }) => {
    const match = fc.oneof(fc.constant({ type }), fc.record({ type: fc.constant(type), code: fc.constantFrom(0, 1) }));
    const of = { protocol: fc.constant(protocol), source: seldom(side, {}), destination: seldom(side, {}) };
    return fc.oneof(fc.record(of), fc.record({ ...of, icmp: match }), fc.record({ ...of, notIcmp: match }));
  });

function conditions(namespace: string | undefined): fc.Arbitrary<Parameters<typeof rule>[0]> {
  const side = chosen(fc.record({ ...addresses, ports: none, notPorts: none }), namespace);
  const sideWithPorts = chosen(
    fc.record({ ...fewAddresses, ports: seldom(ports, [], 1), notPorts: seldom(ports, [], 5) }),
    namespace,
  );
  const withPorts = {
    protocol: fc.constantFrom(TCP, TCP, UDP, SCTP),
    source: seldom(sideWithPorts, {}),
    destination: sideWithPorts,
  };
  return fc.oneof(
    { weight: 2, arbitrary: fc.record({ source: side, destination: side }) },
    { weight: 10, arbitrary: fc.record(withPorts) },
    { weight: 1, arbitrary: fc.record({ notProtocol, source: side, destination: side }) },
    {
      weight: 1,
      arbitrary: fc.record({ protocol: fc.constant(99), source: seldom(side, {}), destination: seldom(side, {}) }),
    },
    { weight: 5, arbitrary: icmp(side) },
  ) as fc.Arbitrary<Parameters<typeof rule>[0]>;
}

const version = seldom(fc.constantFrom<{ ipVersion: 4 | 6 }>({ ipVersion: 4 }, { ipVersion: 6 }), {}, 6);
/** Often with a last rule for everything: verdicts would nearly all be denials without. */
function rulesOf(namespace: string | undefined, ...actions: Rule['action'][]): fc.Arbitrary<Rule[]> {
  const action = fc.constantFrom(...actions);
  const some = fc.array(
    fc.tuple(action, version, conditions(namespace)).map(([action, ip, match]) => rule({ action, ...ip, ...match })),
    { maxLength: 4 },
  );
  const last = fc.option(fc.constantFrom('allow', ...actions).map((action) => rule({ action })));
  return fc.tuple(some, last).map(([list, end]) => (end ? [...list, end] : list));
}

export const policyRules = (namespace?: string): fc.Arbitrary<Rule[]> =>
  rulesOf(namespace, 'allow', 'allow', 'allow', 'deny', 'deny', 'pass', 'pass', 'log');
export const profileRules = rulesOf(undefined, 'allow', 'allow', 'deny', 'log');
