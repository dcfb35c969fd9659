/** Random clusters out of a small universe: endpoints, policy, sets and pools as they may meet on the host `h1`. */
import fc from 'fast-check';
import { hostEndpoint, networkSet, policy, profile, tier, workload } from '../../src/calc/testing/resources.ts';
import type {
  HostEndpoint,
  IPPool,
  NetworkSet,
  Policy,
  Profile,
  Tier,
  WorkloadEndpoint,
} from '../../src/model/index.ts';
import { cidr, ip, TCP, UDP } from '../../src/net/index.ts';
import type { LoweringOptions } from '../../src/rules/index.ts';
import type { Resources } from '../naive/resources.ts';
import { labels, NETS, policyRules, profileRules, seldom, selector } from './rules.ts';

export const SEED = 20261123;

/** Tighter than iptables' limits, so that small cases need all of lowering. */
export const TIGHT: LoweringOptions = { portSlots: 3, dispatchFanOut: 2 };

/** Every workload there may be; a case has some of them. Names with shared beginnings make dispatch trees. */
export const WORKLOADS = [
  { name: 'w1', node: 'h1', interfaceName: 'cali1', ips: ['10.65.0.1', 'fd00:65::1'] },
  { name: 'w2', node: 'h1', interfaceName: 'cali12', ips: ['10.65.0.2', 'fd00:65::2'] },
  { name: 'w3', node: 'h1', interfaceName: 'cali13a', ips: ['10.65.0.3', '10.66.0.3'] },
  { name: 'w4', node: 'h1', interfaceName: 'cali13b', ips: ['10.65.0.4'] },
  { name: 'w7', node: 'h1', interfaceName: 'cali13c', ips: ['10.65.0.7', 'fd00:65::7'] },
  { name: 'w5', node: 'h2', interfaceName: 'calif', ips: ['10.65.0.5', 'fd00:66::5'] },
  { name: 'w6', node: 'h2', interfaceName: 'calif1', ips: ['10.65.0.6'] },
] as const;
export const OUTSIDE = { 4: ['192.0.2.1', '192.0.2.9', '10.65.0.200'], 6: ['fd00:c0::1', 'fd00:65::99'] } as const;

/** Floating IPs of workloads of `h1`. */
export const FLOATING: Readonly<Record<string, WorkloadEndpoint['nats']>> = {
  w1: [
    { internal: ip('10.65.0.1'), external: ip('10.99.0.1') },
    { internal: ip('fd00:65::1'), external: ip('fd00:99::1') },
  ],
  w3: [{ internal: ip('10.65.0.3'), external: ip('10.99.0.3') }],
};
/** Of the workloads that have floating IPs. */
export const ALLOWED_SOURCES = [cidr('10.77.0.0/24'), cidr('fd00:77::/64')];
/** What `h1` is to others than its workloads. */
export const UPLINKS = {
  eth0: ['172.30.0.1', 'fd00:30::1'],
  eth1: ['172.31.0.1', 'fd00:31::1'],
} as const;

const types = fc.constantFrom<Policy['types']>(['ingress'], ['egress'], ['ingress', 'egress'], ['ingress', 'egress']);
/** For other tables than filter only a global policy may be. */
const role = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Partial<Policy>>({}) },
  { weight: 4, arbitrary: fc.constant<Partial<Policy>>({ applyOnForward: true }) },
  { weight: 3, arbitrary: fc.constant<Partial<Policy>>({ preDNAT: true, applyOnForward: true, types: ['ingress'] }) },
  { weight: 3, arbitrary: fc.constant<Partial<Policy>>({ doNotTrack: true, applyOnForward: true }) },
);
const workloadRole = fc.record({ doNotTrack: seldom(fc.constant(true), false, 15), applyOnForward: fc.boolean() });

function policyOf(name: string, tier: string, roles: fc.Arbitrary<Partial<Policy>>): fc.Arbitrary<Policy> {
  const [, namespace] = name.split('/').reverse();
  const fields = fc.record({
    selector: fc.oneof({ weight: 2, arbitrary: fc.constant('all()') }, { weight: 3, arbitrary: selector }),
    order: fc.constantFrom(null, 1, 1, 2),
    types,
    ingress: policyRules(namespace),
    egress: policyRules(namespace),
  });
  const own = namespace === undefined ? roles : fc.constant<Partial<Policy>>({});
  const storedName = `${tier}.${name.split('/').at(-1)}`;
  return fc.tuple(fields, own).map(([fields, role]) => policy(name, { ...fields, ...role, tier, storedName }));
}

/** By the first letter of the policy's name. */
const TIERS: Readonly<Record<string, string>> = { s: 'security', e: 'early' };

function policies(names: readonly string[], roles: fc.Arbitrary<Partial<Policy>>, maxLength: number) {
  return fc
    .uniqueArray(fc.constantFrom(...names), { maxLength })
    .chain((chosen) =>
      fc.tuple(...chosen.map((name) => policyOf(name, TIERS[name.at(0) as string] ?? 'default', roles))),
    );
}

/** Some of them are stored: in any order, and what they do not decide may go on. */
const tiers: fc.Arbitrary<Tier[]> = fc
  .subarray(['default', ...Object.values(TIERS)])
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc
          .record({ order: fc.constantFrom(null, 1, 2, 2e6), defaultAction: fc.constantFrom('deny', 'pass') })
          .map((fields) => tier(name, fields)),
      ),
    ),
  );

const PROFILES = ['p', 'q'];
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
const chosenProfiles = fc.constantFrom(['p'], ['p', 'q'], ['q', 'p'], ['q'], []);

const prefixed = (prefix: string) =>
  labels.map((own) => Object.fromEntries(Object.entries(own).map(([name, value]) => [`${prefix}${name}`, value])));
/** What a namespace and a service account are: profiles, whose labels their members inherit. */
const parents = fc
  .tuple(prefixed('pcns.'), prefixed('pcsa.'))
  .map(([namespace, account]) => [
    profile('kns.default', { labelsToApply: namespace }),
    profile('ksa.default.sa', { labelsToApply: account }),
  ]);
const membership = fc.constantFrom(
  { labels: {}, profiles: [] },
  { labels: { 'projectcalico.org/namespace': 'default' }, profiles: ['kns.default'] },
  {
    labels: { 'projectcalico.org/namespace': 'default', 'projectcalico.org/serviceaccount': 'sa' },
    profiles: ['ksa.default.sa', 'kns.default'],
  },
);

const endpointPorts = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('web', 'dns'),
    protocol: fc.constantFrom(TCP, TCP, UDP),
    port: fc.constantFrom(80, 443, 8001),
  }),
  { maxLength: 2, selector: ({ name, protocol }) => `${name} ${protocol}` },
);

function workloadsWith(
  minLength: number,
  more: fc.Arbitrary<(w: WorkloadEndpoint) => WorkloadEndpoint>,
): fc.Arbitrary<WorkloadEndpoint[]> {
  return fc
    .subarray([...WORKLOADS], { minLength })
    .chain((present) =>
      fc.tuple(
        ...present.map(({ name, ...place }) =>
          fc
            .tuple(fc.record({ labels, ports: endpointPorts, profiles: chosenProfiles }), more)
            .map(([fields, change]) => change(workload(name, { ...place, ...fields }))),
        ),
      ),
    );
}

/** Some are of a namespace, have a floating IP. */
const more = fc.tuple(membership, fc.boolean()).map(
  ([member, floats]) =>
    (w: WorkloadEndpoint): WorkloadEndpoint => ({
      ...w,
      labels: { ...w.labels, ...member.labels },
      profiles: [...w.profiles, ...member.profiles],
      allowedSources: floats ? ALLOWED_SOURCES : [],
      nats: floats ? (FLOATING[w.id.name] ?? []) : [],
    }),
);

const sets: fc.Arbitrary<NetworkSet[]> = fc
  .array(fc.record({ nets: fc.uniqueArray(fc.constantFrom(...NETS), { minLength: 1, maxLength: 2 }), labels }), {
    maxLength: 2,
  })
  .map((list) => list.map(({ nets, labels }, i) => networkSet(`s${i}`, nets, { labels })));

/** By its name, by an address that it has, and all interfaces at once; one interface may be claimed twice. */
const HOST_ENDPOINTS = [
  { name: 'by-name', interfaceName: 'eth0', expectedIps: [ip(UPLINKS.eth0[0])] },
  { name: 'by-address', interfaceName: '', expectedIps: UPLINKS.eth1.map(ip) },
  { name: 'every', interfaceName: '*', expectedIps: [] },
  { name: 'late-claim', interfaceName: '', expectedIps: [ip(UPLINKS.eth0[1])] },
  { name: 'elsewhere', node: 'h2', interfaceName: 'eth0', expectedIps: [ip('172.30.0.2')] },
];
const hostEndpoints: fc.Arbitrary<HostEndpoint[]> = fc
  .subarray(HOST_ENDPOINTS)
  .chain((present) =>
    fc.tuple(
      ...present.map(({ name, ...place }) =>
        fc
          .record({ labels, ports: endpointPorts, profiles: chosenProfiles })
          .map((fields) => hostEndpoint(name, { ...place, ...fields })),
      ),
    ),
  );

const POOLS = { v4: '10.65.0.0/16', v6: 'fd00:65::/64', far: '10.66.0.0/16' };
const pools: fc.Arbitrary<IPPool[]> = fc.subarray(Object.entries(POOLS)).chain((present) =>
  fc.tuple(
    ...present.map(([name, net]) =>
      fc.record({ natOutgoing: fc.boolean(), disabled: fc.boolean() }).map(
        (fields): IPPool => ({
          id: { kind: 'IPPool', name },
          cidr: cidr(net),
          ipip: 'never',
          vxlan: 'never',
          blockSize: name === 'v6' ? 122 : 26,
          nodeSelector: 'all()',
          ...fields,
        }),
      ),
    ),
  ),
);

/** Workloads and their policy only, as people may write them. */
export const workloadClusters: fc.Arbitrary<Resources> = fc.record({
  workloads: workloadsWith(
    2,
    fc.constant((w) => w),
  ),
  policies: policies(['a', 'b', 'default/a', 'default/c'], workloadRole, 3),
  profiles,
  sets,
  tiers: fc.constant([]),
  hostEndpoints: fc.constant([]),
  pools: fc.constant([]),
  services: fc.constant([]),
});

/** With host endpoints, tiers, and all that a host does with packets. */
export const clusters: fc.Arbitrary<Resources> = fc.record({
  workloads: workloadsWith(4, more),
  policies: policies(['a', 'b', 'c', 'default/a', 's', 'default/c', 'e'], role, 5),
  profiles: fc.tuple(profiles, parents).map((lists) => lists.flat()),
  sets,
  tiers,
  hostEndpoints,
  pools,
  services: fc.constantFrom([], [cidr('10.96.0.0/24'), cidr('fd00:96::/112')]),
});
