/** Random clusters and packets out of a small universe, so that rules meet packets often. */
import fc from 'fast-check';
import { networkSet, policy, profile, rule, workload } from '../../src/calc/testing/resources.ts';
import type { NetworkSet, Policy, Profile, Rule, RuleEntity, WorkloadEndpoint } from '../../src/model/index.ts';
import { type Cidr, cidr, ICMP, ICMPV6, type PortRange, SCTP, TCP, UDP } from '../../src/net/index.ts';
import type { LoweringOptions } from '../../src/rules/index.ts';
import type { Opening, Resources } from '../naive/policy.ts';

export const RUNS = 1000;
export const SEED = 20261123;

/** Tighter than iptables' limits, so that small cases need all of lowering. */
export const TIGHT: LoweringOptions = { portSlots: 3, dispatchFanOut: 2 };

export interface Case {
  readonly resources: Resources;
  readonly packets: readonly Opening[];
}

/** Every workload there may be; a case has some of them. Names with shared beginnings make dispatch trees. */
export const WORKLOADS = [
  { name: 'w1', node: 'h1', interfaceName: 'cali1', ips: ['10.65.0.1', 'fd00:65::1'] },
  { name: 'w2', node: 'h1', interfaceName: 'cali12', ips: ['10.65.0.2', 'fd00:65::2'] },
  { name: 'w3', node: 'h1', interfaceName: 'cali13a', ips: ['10.65.0.3', '10.66.0.3'] },
  { name: 'w4', node: 'h1', interfaceName: 'cali13b', ips: ['10.65.0.4'] },
  { name: 'w5', node: 'h2', interfaceName: 'calif', ips: ['10.65.0.5', 'fd00:66::5'] },
  { name: 'w6', node: 'h2', interfaceName: 'calif1', ips: ['10.65.0.6'] },
] as const;
export const OUTSIDE = { 4: ['192.0.2.1', '192.0.2.9', '10.65.0.200'], 6: ['fd00:c0::1', 'fd00:65::99'] } as const;
const NETS = [
  '10.65.0.0/24', '10.65.0.1/32', '10.65.0.2/31', '10.65.0.4/30', '10.64.0.0/14', '192.0.2.0/29', '192.0.2.9/32',
  '0.0.0.0/0', 'fd00:65::/64', 'fd00:65::2/127', 'fd00:c0::1/128', '::/0',
]; // biome-ignore format: a table
const PORTS = [80, 81, 82, 443, 1000, 8001];
const PROFILES = ['p', 'q'];

const some = <T>(list: readonly T[], maxLength: number) => fc.uniqueArray(fc.constantFrom(...list), { maxLength });
/** Mostly `empty`, else the arbitrary's: rules with every field set match nothing. */
const seldom = <T, E>(arbitrary: fc.Arbitrary<T>, empty: E, weight = 3): fc.Arbitrary<T | E> =>
  fc.oneof({ weight, arbitrary: fc.constant(empty) }, { weight: 1, arbitrary });

const label = fc.constantFrom('a', 'b');
const value = fc.constantFrom('x', 'y', 'xy');
const labels = fc.dictionary(label, value, { maxKeys: 2 });

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
const selector = fc.oneof(
  { weight: 4, arbitrary: atom },
  { weight: 1, arbitrary: fc.tuple(atom, fc.constantFrom('&&', '||'), atom).map(([l, op, r]) => `${l} ${op} !(${r})`) },
);

const single = fc.constantFrom(...PORTS).map((port): PortRange => ({ min: port, max: port }));
const range = fc.oneof(single, fc.constantFrom({ min: 80, max: 82 }, { min: 81, max: 443 }, { min: 82, max: 1000 }));
/** More than one match can say, with the port that packets have among the last. */
const manyPorts = fc
  .integer({ min: 0, max: 20 })
  .chain((extra) => fc.array(range, { minLength: 1, maxLength: 2 }).map((last) => [...filler(extra), ...last]));
const filler = (count: number): PortRange[] =>
  Array.from({ length: count }, (_, i) => ({ min: 20000 + 2 * i, max: 20000 + 2 * i }));
const named = fc.constantFrom('web', 'dns').map((name) => ({ name }));
const ports: fc.Arbitrary<RuleEntity['ports']> = fc.oneof(
  { weight: 3, arbitrary: fc.array(range, { minLength: 1, maxLength: 3 }) },
  { weight: 3, arbitrary: manyPorts },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.array(range, { maxLength: 1 }), fc.array(named, { minLength: 1, maxLength: 2 }))
      .map((lists) => lists.flat()),
  },
);

const nets = fc
  .uniqueArray(fc.constantFrom(...NETS), { minLength: 1, maxLength: 3 })
  .map((list) => list.map((net): Cidr => cidr(net)));
const addresses = {
  nets: seldom(nets, [], 4),
  notNets: seldom(nets, [], 6),
  selector: seldom(selector, '', 4),
  notSelector: seldom(selector, '', 6),
};
const side = fc.record({ ...addresses, ports: fc.constant([]), notPorts: fc.constant([]) });
const sideWithPorts = fc.record({ ...addresses, ports: seldom(ports, [], 1), notPorts: seldom(ports, [], 5) });

/** ICMP rules mostly about the message alone, with the types that packets have. */
const icmp = fc
  .constantFrom({ protocol: ICMP, type: 8 }, { protocol: ICMPV6, type: 128 })
  .chain(({ protocol, type }) => {
    const match = fc.oneof(fc.constant({ type }), fc.record({ type: fc.constant(type), code: fc.constantFrom(0, 1) }));
    const of = { protocol: fc.constant(protocol), source: seldom(side, {}), destination: seldom(side, {}) };
    return fc.oneof(fc.record(of), fc.record({ ...of, icmp: match }), fc.record({ ...of, notIcmp: match }));
  });
const notProtocol = fc.constantFrom(TCP, UDP, ICMP, ICMPV6);
const withPorts = {
  protocol: fc.constantFrom(TCP, TCP, UDP, SCTP),
  source: seldom(sideWithPorts, {}),
  destination: sideWithPorts,
};
const conditions = fc.oneof(
  { weight: 2, arbitrary: fc.record({ source: side, destination: side }) },
  { weight: 5, arbitrary: fc.record(withPorts) },
  { weight: 1, arbitrary: fc.record({ notProtocol, source: side, destination: side }) },
  { weight: 3, arbitrary: icmp },
) as fc.Arbitrary<Parameters<typeof rule>[0]>;
const version = seldom(fc.constantFrom<{ ipVersion: 4 | 6 }>({ ipVersion: 4 }, { ipVersion: 6 }), {}, 6);
/** Often with a last rule for everything: verdicts would nearly all be denials without. */
const rulesOf = (...actions: Rule['action'][]) => {
  const action = fc.constantFrom(...actions);
  const some = fc.array(
    fc.tuple(action, version, conditions).map(([action, ip, match]) => rule({ action, ...ip, ...match })),
    { maxLength: 4 },
  );
  const last = fc.option(fc.constantFrom('allow', ...actions).map((action) => rule({ action })));
  return fc.tuple(some, last).map(([list, end]) => (end ? [...list, end] : list));
};
const policyRules = rulesOf('allow', 'allow', 'allow', 'deny', 'deny', 'pass', 'pass', 'log');
const profileRules = rulesOf('allow', 'allow', 'deny', 'log');

const types = fc.constantFrom<Policy['types']>(['ingress'], ['egress'], ['ingress', 'egress'], ['ingress', 'egress']);
const policies: fc.Arbitrary<Policy[]> = fc
  .uniqueArray(fc.constantFrom('a', 'b', 'default/a', 'default/c'), { maxLength: 3 })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc
          .record({
            selector: fc.oneof({ weight: 2, arbitrary: fc.constant('all()') }, { weight: 3, arbitrary: selector }),
            order: fc.constantFrom(null, 1, 1, 2),
            types,
            ingress: policyRules,
            egress: policyRules,
            doNotTrack: seldom(fc.constant(true), false, 15),
            applyOnForward: fc.boolean(),
          })
          .map((fields) => policy(name, fields)),
      ),
    ),
  );
const profiles: fc.Arbitrary<Profile[]> = fc
  .constantFrom(PROFILES, PROFILES, PROFILES, ['p'], [])
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc
          .record({ labelsToApply: labels, ingress: profileRules, egress: profileRules })
          .map((fields) => profile(name, fields)),
      ),
    ),
  );

const endpointPorts = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('web', 'dns'),
    protocol: fc.constantFrom(TCP, TCP, UDP),
    port: fc.constantFrom(80, 443, 8001),
  }),
  { maxLength: 2, selector: ({ name, protocol }) => `${name} ${protocol}` },
);
const workloads: fc.Arbitrary<WorkloadEndpoint[]> = fc
  .subarray([...WORKLOADS], { minLength: 2 })
  .chain((present) =>
    fc.tuple(
      ...present.map(({ name, ...place }) =>
        fc
          .record({ labels, ports: endpointPorts, profiles: fc.constantFrom(['p'], ['p', 'q'], ['q', 'p'], ['q'], []) })
          .map((fields) => workload(name, { ...place, ...fields })),
      ),
    ),
  );
const sets: fc.Arbitrary<NetworkSet[]> = fc
  .array(fc.record({ nets: fc.uniqueArray(fc.constantFrom(...NETS), { minLength: 1, maxLength: 2 }), labels }), {
    maxLength: 2,
  })
  .map((list) => list.map(({ nets, labels }, i) => networkSet(`s${i}`, nets, { labels })));

const transport = fc.constantFrom(...PORTS).chain((sourcePort) =>
  fc.record({
    protocol: fc.constantFrom(TCP, TCP, UDP),
    sourcePort: fc.constantFrom(sourcePort, 50000),
    destinationPort: fc.constantFrom(...PORTS),
  }),
);
const icmpPacket = (protocol: number, type: number) =>
  fc.record({ protocol: fc.constant(protocol), icmpType: fc.constantFrom(type, 3), icmpCode: fc.constantFrom(0, 1) });
const payload = (family: 4 | 6): fc.Arbitrary<Omit<Opening, 'source' | 'destination'>> =>
  fc.oneof(
    { weight: 5, arbitrary: transport },
    { weight: 2, arbitrary: family === 4 ? icmpPacket(ICMP, 8) : icmpPacket(ICMPV6, 128) },
    { weight: 1, arbitrary: fc.constant({ protocol: 99 }) },
  );

/** From or to one of the workloads at least. */
function packetsAmong(present: readonly WorkloadEndpoint[]): fc.Arbitrary<Opening> {
  return fc.constantFrom<(4 | 6)[]>(4, 4, 4, 6).chain((family) => {
    const inside = present
      .flatMap(({ nets }) => nets.map((net) => net.split('/')[0] as string))
      .filter((ip) => ip.includes(':') === (family === 6));
    if (inside.length === 0) return packetsAmong(present.filter(({ nets }) => nets.some((net) => !net.includes(':'))));
    const own = fc.constantFrom(...inside);
    const any = fc.oneof({ weight: 3, arbitrary: own }, { weight: 1, arbitrary: fc.constantFrom(...OUTSIDE[family]) });
    return fc
      .record({ ends: fc.oneof(fc.tuple(own, any), fc.tuple(any, own)), payload: payload(family) })
      .filter(({ ends: [source, destination] }) => source !== destination)
      .map(({ ends: [source, destination], payload }) => ({ ...payload, source, destination }));
  });
}

/** With so many packets. */
export function casesOf(count: number): fc.Arbitrary<Case> {
  return fc
    .record({ workloads, policies, profiles, sets })
    .chain((resources) =>
      fc
        .array(packetsAmong(resources.workloads), { minLength: count, maxLength: count })
        .map((packets) => ({ resources, packets })),
    );
}

export const cases = casesOf(10);
