/** States of a cluster, by name, as seen by the host `h1`: between them they use everything that calc knows. */
import type { Kind, Update, Values } from '../../model/index.ts';
import { cidr, ip, SCTP, TCP, UDP } from '../../net/index.ts';
import {
  block,
  broken,
  hostEndpoint,
  networkSet,
  node,
  policy,
  pool,
  profile,
  rule,
  tier,
  workload,
} from './resources.ts';

type Value = Values[Kind];

export interface State {
  readonly about: string;
  readonly values: readonly Value[];
  /** Resources that cannot be used; what each is about is in no state as a good one. */
  readonly broken?: readonly Update[];
  /** A naive reading stumbles over it, as calc must not. */
  readonly unreadable?: true;
}

const state = (about: string, ...values: Value[]): State => ({ about, values });

const ingress = (...rules: Parameters<typeof rule>[0][]) => ({ ingress: rules.map(rule) });
const egress = (...rules: Parameters<typeof rule>[0][]) => ({ egress: rules.map(rule) });
const from = (selector: string) => ({ source: { selector } });
const port = (number: number) => ({ min: number, max: number });
const http = { name: 'http', protocol: TCP, port: 80 };
const web = { name: 'http' };

const x = { role: 'x' };
const local = workload('l1', { ips: ['10.0.0.1', 'fd00::1'], labels: x, profiles: ['open'] });
const second = workload('l2', { ips: ['10.0.0.2'], labels: { role: 'y' }, profiles: ['open'] });
const remote = workload('r1', { node: 'h2', ips: ['10.0.1.1', 'fd00::1:1'], labels: x, ports: [http] });
const open = profile('open', { ingress: [rule()], egress: [rule()] });
const named = policy('named', ingress({ protocol: TCP, destination: { ports: [web] } }));
const fromX = policy('from-x', ingress(from("role == 'x'")));
const eth0 = hostEndpoint('eth0', { expectedIps: [ip('172.30.0.1')], labels: x });
const family = [local, second, remote, open];

const endpoints: readonly State[] = [
  state('nothing at all'),
  state('one local workload', local, open),
  state('two local workloads and a remote one', ...family),
  state('a workload without an address', workload('l1', { profiles: ['open'] }), open),
  state('its labels changed', { ...local, labels: { role: 'y' } }, second, remote, open, fromX),
  state('its address changed', { ...local, nets: [cidr('10.0.0.9/32')] }, second, remote, open, fromX),
  state('its interface changed', { ...local, interfaceName: 'cali-other' }, open),
  state('it moved to another host', { ...local, node: 'h2' }, second, open, fromX),
  state('the remote one moved here', local, { ...remote, node: 'h1' }, open, fromX),
  state('two endpoints with one interface', local, { ...second, interfaceName: local.interfaceName }, open),
  state('two endpoints with one address', local, { ...second, nets: local.nets, labels: x }, open, fromX),
  state('a remote one with a local address', local, { ...remote, nets: local.nets }, open, fromX),
  state('a floating IP', { ...local, nats: [{ internal: ip('10.0.0.1'), external: ip('192.0.2.1') }] }, open),
  state('sources beyond its own', { ...local, allowedSources: [cidr('10.9.0.0/24')] }, open),
  state('an address that is a whole network', { ...local, nets: [cidr('10.0.8.0/24')] }, second, open, fromX),
];

const ordered = (name: string, order: number | null) => policy(name, { order, ...ingress({}) });
const policies: readonly State[] = [
  state('a policy for all', ...family, policy('p', ingress({}))),
  state('a policy for none here', ...family, policy('p', { selector: "role == 'z'", ...ingress(from('all()')) })),
  state('a policy for one', ...family, policy('p', { selector: "role == 'y'", ...ingress(from('all()')) })),
  state('its rules changed', ...family, policy('p', ingress(from("role == 'y'"), { action: 'deny' }))),
  state('ingress only', ...family, policy('p', { types: ['ingress'], ...ingress({}) })),
  state(
    'egress only',
    ...family,
    policy('p', { types: ['egress'], ...egress({ destination: { selector: 'all()' } }) }),
  ),
  state('in neither direction', ...family, policy('p', { types: [] })),
  state('in order', ...family, ordered('p', 1), ordered('q', 2), ordered('ns/r', 3)),
  state('in the other order', ...family, ordered('p', 3), ordered('q', 2), ordered('ns/r', 1)),
  state('of equal order', ...family, ordered('p', 2), ordered('q', 2), ordered('ns/p', 2)),
  state('without an order', ...family, ordered('p', null), ordered('q', -1), ordered('ns/r', null)),
  state('every action', ...family, policy('p', ingress({ action: 'log' }, { action: 'pass' }, { action: 'deny' }, {}))),
  state('a policy of a namespace', ...family, policy('ns/p', { selector: "projectcalico.org/namespace == 'ns'" })),
];

const rules: readonly State[] = [
  state('a selector', ...family, fromX),
  state(
    'the same selector twice',
    ...family,
    fromX,
    policy('also', egress({ destination: { selector: "role=='x'" } })),
  ),
  state('a negated selector', ...family, policy('p', ingress({ source: { notSelector: "role == 'x'" } }))),
  state(
    'selected, but not those',
    ...family,
    policy('p', ingress({ source: { selector: 'all()', notSelector: 'has(role)' } })),
  ),
  state(
    'nets and not nets',
    ...family,
    policy('p', ingress({ source: { nets: [cidr('10.0.0.0/8')], notNets: [cidr('10.1.0.0/16')] } })),
  ),
  state(
    'ports and not ports',
    ...family,
    policy('p', ingress({ protocol: TCP, destination: { ports: [port(80)], notPorts: [port(81)] } })),
  ),
  state('a named port', ...family, named),
  state(
    'a named port of two protocols',
    { ...local, ports: [http, { ...http, protocol: UDP, port: 53 }] },
    remote,
    open,
    named,
  ),
  state('a named port that changed', local, { ...remote, ports: [{ ...http, port: 8080 }] }, open, named),
  state(
    'a named port over SCTP',
    ...family,
    { ...second, ports: [{ ...http, protocol: SCTP }] },
    policy('p', ingress({ protocol: SCTP, destination: { ports: [web] } })),
  ),
  state(
    'a named port and a selector',
    ...family,
    policy('p', ingress({ protocol: TCP, destination: { selector: "role == 'x'", ports: [web] } })),
  ),
  state('not a named port', ...family, policy('p', ingress({ protocol: TCP, source: { notPorts: [web] } }))),
  state(
    'a named port that two have with one address',
    { ...local, ports: [http] },
    { ...remote, nets: local.nets },
    open,
    named,
  ),
  state(
    'ICMP, IP versions, protocols',
    ...family,
    policy(
      'p',
      ingress(
        { protocol: 1, icmp: { type: 8, code: 0 } },
        { ipVersion: 6 },
        { notProtocol: 6 },
        { protocol: 58, notIcmp: { type: 1 } },
      ),
    ),
  ),
  state('HTTP', ...family, policy('p', ingress({ http: { methods: ['GET'], paths: [{ prefix: '/a' }] } }))),
  state(
    'all kinds of selectors',
    ...family,
    policy(
      'p',
      ingress(
        from("role in {'x', 'y'}"),
        from("role not in {'x'}"),
        from('!has(zone)'),
        from("role contains 'x' || role starts with 'y'"),
      ),
    ),
  ),
];

const inherited = profile('kns.ns', {
  labelsToApply: { 'pcns.team': 'red' },
  ingress: [rule(from("pcns.team == 'red'"))],
});
const account = profile('ksa.ns.sa', { labelsToApply: { 'pcsa.tier': 'front' } });
const pod = { ...local, profiles: ['kns.ns', 'ksa.ns.sa'], labels: { 'projectcalico.org/namespace': 'ns' } };
const byNamespace = policy('ns', ingress(from("pcns.team == 'red'"), from("pcsa.tier == 'front'")));
const profiles: readonly State[] = [
  state('a profile that is missing', local),
  state('the default profile, which nobody stored', { ...local, profiles: ['projectcalico-default-allow'] }),
  state('a profile that nobody names', local, open, profile('unused', ingress(from('all()')))),
  state(
    'two profiles',
    { ...local, profiles: ['open', 'more'] },
    open,
    profile('more', egress({ destination: { selector: 'all()' } })),
  ),
  state(
    'the two profiles in the other order',
    { ...local, profiles: ['more', 'open'] },
    open,
    profile('more', egress({})),
  ),
  state('a namespace and a service account', pod, remote, inherited, account, byNamespace),
  state(
    'the namespace has other labels',
    pod,
    remote,
    { ...inherited, labelsToApply: { 'pcns.team': 'blue' } },
    account,
    byNamespace,
  ),
  state(
    'an own label before an inherited one',
    { ...pod, labels: { 'pcns.team': 'blue' } },
    inherited,
    account,
    byNamespace,
  ),
  state('the service account is gone', pod, remote, inherited, byNamespace),
  state('a policy by an inherited label', pod, inherited, account, policy('p', { selector: "pcsa.tier == 'front'" })),
];

const sets: readonly State[] = [
  state('a network set', local, open, fromX, networkSet('s', ['192.0.2.0/24', 'fd01::/64'], { labels: x })),
  state('its networks changed', local, open, fromX, networkSet('s', ['192.0.2.0/24', '0.0.0.0/0'], { labels: x })),
  state('its labels changed away', local, open, fromX, networkSet('s', ['192.0.2.0/24'], { labels: { role: 'y' } })),
  state(
    'two sets that overlap',
    local,
    open,
    fromX,
    networkSet('s', ['10.0.0.1/32'], { labels: x }),
    networkSet('t', ['10.0.0.1/32', '10.0.0.0/24'], { labels: x }),
  ),
  state(
    'a set of a namespace',
    local,
    open,
    byNamespace,
    inherited,
    networkSet('ns/s', ['192.0.2.7/32'], { profiles: ['kns.ns'] }),
  ),
  state('an empty set', local, open, fromX, networkSet('s', [], { labels: x })),
];

const untracked = policy('raw', { doNotTrack: true, applyOnForward: true, ...ingress(from("role == 'x'")) });
const early = policy('early', { preDNAT: true, applyOnForward: true, types: ['ingress', 'egress'], ...ingress({}) });
const forward = policy('forward', { applyOnForward: true, ...ingress({}), ...egress({}) });
const hosts: readonly State[] = [
  state('a host endpoint', eth0, local, open, policy('p', ingress({}))),
  state('a host endpoint by its address', { ...eth0, interfaceName: '' }, local, open, fromX),
  state('a host endpoint for all interfaces', { ...eth0, interfaceName: '*', expectedIps: [] }, forward),
  state('another host has it', { ...eth0, node: 'h2' }, local, open, fromX),
  state('policies for what is forwarded', eth0, local, open, forward, ordered('p', 1)),
  state('policies before tracking', eth0, local, open, untracked),
  state('policies before DNAT', eth0, local, open, early),
  state('policies of all four kinds', eth0, local, open, untracked, early, forward, ordered('p', 1)),
  state(
    'a policy changes its kind',
    eth0,
    local,
    open,
    { ...untracked, doNotTrack: false },
    { ...early, preDNAT: false },
  ),
  state('a host endpoint with profiles and ports', { ...eth0, profiles: ['open'], ports: [http] }, open, local, named),
];

const inTier = (name: string, of: string) =>
  policy(name, { tier: of, storedName: `${of}.${name}`, ...ingress({ action: 'pass' }) });
const tiered = [local, open, inTier('a', 'first'), inTier('b', 'second'), ordered('p', 1)];
const tiers: readonly State[] = [
  state('tiers in order', ...tiered, tier('first', { order: 1 }), tier('second', { order: 2 })),
  state('tiers in the other order', ...tiered, tier('first', { order: 2 }), tier('second', { order: 1 })),
  state('a tier after the default one', ...tiered, tier('first', { order: 2e6 }), tier('second', { order: 2 })),
  state(
    'a tier that passes',
    ...tiered,
    tier('first', { order: 1, defaultAction: 'pass' }),
    tier('second', { order: 2 }),
  ),
  state('tiers that are named only', ...tiered),
  state(
    'a tier before DNAT and one before tracking',
    eth0,
    { ...early, tier: 'first' },
    { ...untracked, tier: 'second' },
    tier('second', { order: 1 }),
  ),
];

const h1 = node('h1', '172.30.0.1/24', '10.1.0.0');
const h2 = node('h2', '172.30.0.2/24', '10.1.0.64');
const overlay = pool('10.1.0.0/16', { vxlan: 'always', natOutgoing: true });
const network: readonly State[] = [
  state('nodes, a pool, blocks', h1, h2, overlay, block('10.1.0.0/26', 'h1'), block('10.1.0.64/26', 'h2')),
  state('a pool across subnets only', h1, h2, { ...overlay, vxlan: 'cross-subnet' }, block('10.1.0.64/26', 'h2')),
  state(
    'a node in another subnet',
    h1,
    node('h2', '172.31.0.2/24', '10.1.0.64'),
    { ...overlay, vxlan: 'cross-subnet' },
    block('10.1.0.64/26', 'h2'),
  ),
  state(
    'a block that changed hands, and one that is borrowed from',
    h1,
    h2,
    overlay,
    block('10.1.0.0/26', 'h2', { '10.1.0.5': 'h1' }),
    block('10.1.0.64/26', 'h1', { '10.1.0.70': 'h2' }),
  ),
  state('a disabled pool and one without NAT', h1, { ...overlay, disabled: true }, pool('10.2.0.0/16')),
  state('a block without a pool, a node without a tunnel', h1, node('h2', '172.30.0.2'), block('10.1.0.64/26', 'h2')),
];

const felix = (name: string, parameters: Record<string, string>): Value => ({
  id: { kind: 'FelixConfiguration', name },
  parameters,
});
const settings: readonly State[] = [
  state('configuration', felix('default', { A: '1' }), felix('node.h1', { B: '2' }), felix('node.h2', { B: '3' })),
  state('other configuration', felix('default', { A: '2' }), {
    id: { kind: 'ClusterInformation', name: 'default' },
    clusterGuid: 'g',
    datastoreReady: true,
  }),
];

const invalid: readonly State[] = [
  { about: 'a policy that cannot be read closes', values: family, broken: [broken(policy('bad').id, policy('bad'))] },
  { about: 'an endpoint that cannot be read', values: family, broken: [broken(workload('bad').id)] },
  {
    about: 'a selector that does not parse',
    values: [...family, policy('worse', { selector: '(((' }), fromX],
    unreadable: true,
  },
  {
    about: 'a rule that does not parse',
    values: [...family, policy('worse', ingress(from('a =='))), fromX],
    unreadable: true,
  },
];

export const STATES: readonly State[] = [
  ...endpoints, ...policies, ...rules, ...profiles, ...sets, ...hosts, ...tiers, ...network, ...settings, ...invalid,
]; // biome-ignore format: a list
