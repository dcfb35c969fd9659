import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Policy, Profile, Update } from '../../model/index.ts';
import { resourceKey } from '../keys.ts';
import { BUILT_IN } from './built-in.ts';
import { decode, idOf } from './index.ts';
import { unconditional } from './rules.ts';
import { type Pair, toV1 } from './v1.testing.ts';

interface Case {
  id: string;
  'v3.15.0'?: { etcd: { key: string; value: unknown }[]; felix: { path: string; value: unknown }[] };
}
const cases = (
  JSON.parse(readFileSync(new URL('../../../test/vectors/datastore/syncer.json', import.meta.url), 'utf8')) as Case[]
).filter((c) => c['v3.15.0']);

describe("the same as upstream's Felix syncer reports", () => {
  test.each(cases)('$id', ({ 'v3.15.0': recorded }) => {
    const stored = (recorded?.etcd ?? []).map(({ key, value }) => decode(key, JSON.stringify(value)));
    const updates = [...BUILT_IN, ...stored.filter((update) => update !== null)];
    expect(updates.filter((update) => update.invalid)).toEqual([]);
    expect(sorted(updates.flatMap(toV1))).toEqual(sorted((recorded?.felix ?? []).flatMap(comparable)));
  });
});

/** What of upstream's updates the model has to hold. */
function comparable({ path, value }: { path: string; value: unknown }): Pair[] {
  // Whole resources: what matters of them is in the other updates. WireGuard is not in the model yet.
  if (path.startsWith('/calico/resources/') || path.endsWith('/wireguard')) return [];
  if (/\/config\/[^/]+$/.test(path)) return [[path, parameter(path, value)]];
  // The selectors before namespaces and service accounts were worked into them are for show only.
  const shown = (key: string, field: unknown) => (/^!?orig_/.test(key) ? undefined : field);
  return [[path, JSON.parse(JSON.stringify(value, shown))]];
}

/** Upstream prints this one as Go prints slices, and then cannot read it. */
function parameter(path: string, value: unknown): string {
  if (path.endsWith('KubeNodePortRanges')) return String(value).slice(1, -1).replace(' ', ',');
  return String(value);
}

function sorted(pairs: Pair[]): Pair[] {
  return pairs.sort(([a], [b]) => (a < b ? -1 : 1));
}

const gnp = (spec: object) => decodeAs('globalnetworkpolicies', 'default.p', { spec });
const DENY = [unconditional('deny')];
const policyOf = (update: Update | null) => update?.value as Policy | null;

function decodeAs(plural: string, name: string, resource: object, namespace?: string): Update | null {
  return decode(resourceKey(plural, name, namespace), JSON.stringify({ metadata: { name }, ...resource }));
}

describe('keys', () => {
  test.each([
    ['/calico/resources/v3/projectcalico.org/networkpolicies/prod/default.p', 'NetworkPolicy', 'prod', 'p'],
    ['/calico/resources/v3/projectcalico.org/networkpolicies/prod/p', 'NetworkPolicy', 'prod', 'p'],
    [
      '/calico/resources/v3/projectcalico.org/networkpolicies/prod/knp.default.p',
      'NetworkPolicy',
      'prod',
      'knp.default.p',
    ],
    ['/calico/resources/v3/projectcalico.org/nodes/n1', 'Node', undefined, 'n1'],
    ['/calico/resources/v3/projectcalico.org/tiers/security', 'Tier', undefined, 'security'],
    ['/calico/ipam/v2/assignment/ipv4/block/10.0.40.128-26', 'IPAMBlock', undefined, '10.0.40.128-26'],
    ['/calico/ipam/v2/assignment/ipv6/block/fd00:10::-122', 'IPAMBlock', undefined, 'fd00:10::-122'],
  ])('%s', (key, kind, namespace, name) => {
    expect(idOf(key)).toEqual(namespace === undefined ? { kind, name } : { kind, namespace, name });
  });

  test.each([
    '/calico/resources/v3/projectcalico.org/nodes/prod/n1',
    '/calico/resources/v3/projectcalico.org/networkpolicies/p',
    '/calico/resources/v3/projectcalico.org/tiers/ns/default',
    '/calico/resources/v3/projectcalico.org/widgets/default',
    '/calico/resources/v3/projectcalico.org/nodes/',
    '/calico/resources/v3/projectcalico.org/nodes/a/b/c',
    '/calico/ipam/v2/host/n1/ipv4/block/10.0.0.0-26',
    '/calico/ipam/v2/handle/h1',
  ])('%s is nothing of the model', (key) => {
    expect(idOf(key)).toBeNull();
    expect(decode(key, '{}')).toBeNull();
  });
});

describe('invalid resources', () => {
  test('no JSON', () => {
    expect(decode(resourceKey('nodes', 'n1'), '{')).toMatchObject({ value: null, invalid: { code: 'E_INVALID' } });
  });

  test('a policy with a bad rule closes its directions, over what it selects', () => {
    const update = gnp({
      selector: "role == 'db'",
      order: 5,
      types: ['Egress'],
      egress: [{ action: 'Allow' }, { action: 'Allow', destination: { nets: ['10.0.0.0/99'] } }],
    });
    expect(update?.invalid?.reason).toContain('spec.egress[1].destination.nets');
    expect(update?.value).toMatchObject({
      selector: "role == 'db'",
      order: 5,
      types: ['egress'],
      ingress: [],
      egress: DENY,
    });
  });

  test.each([
    ['an unknown match', { action: 'Allow', destination: { services: { name: 's' } } }],
    ['an unknown field', { action: 'Allow', flavour: 'x' }],
    ['an action', { action: 'Permit' }],
    ['an action that every object has', { action: 'constructor' }],
    ['an action that every object inherits from', { action: '__proto__' }],
    ['a selector of a rule', { action: 'Allow', source: { selector: 'a = b' } }],
    ['a namespaceSelector of a rule', { action: 'Allow', source: { namespaceSelector: '(' } }],
    ['a port', { action: 'Allow', protocol: 'TCP', destination: { ports: ['90:80'] } }],
    ['a protocol', { action: 'Allow', protocol: 'TPC' }],
    ['protocol 0', { action: 'Allow', protocol: 0 }],
    ['not protocol 0', { action: 'Allow', notProtocol: 0 }],
    ['ports without a protocol', { action: 'Deny', destination: { ports: [80] } }],
    ['ports of a protocol without any', { action: 'Allow', protocol: 99, source: { notPorts: [80] } }],
    ['ports of all protocols but one', { action: 'Allow', notProtocol: 'TCP', destination: { ports: ['http'] } }],
    ['ICMP types of any protocol', { action: 'Allow', icmp: { type: 8 } }],
    ['ICMP types of TCP', { action: 'Allow', protocol: 'TCP', notICMP: { type: 8 } }],
    ['an ICMP type beyond all', { action: 'Allow', protocol: 'ICMP', icmp: { type: 255 } }],
    ['an ICMP code beyond all', { action: 'Allow', protocol: 'ICMPv6', notICMP: { type: 1, code: 256 } }],
    ['an ICMP code alone', { action: 'Allow', protocol: 'ICMP', icmp: { code: 1 } }],
  ])('%s makes a stand-in that denies everything', (_, rule) => {
    const update = gnp({ types: ['Ingress', 'Egress'], ingress: [rule], egress: [{ action: 'Allow' }] });
    expect(update?.invalid).toBeDefined();
    expect(policyOf(update)).toMatchObject({ types: ['ingress', 'egress'], ingress: DENY, egress: DENY });
  });

  test('directions that cannot be read are both', () => {
    for (const type of ['Sideways', 'constructor', '__proto__', 'toString']) {
      const update = gnp({ types: [type] });
      expect(update?.invalid?.reason).toContain('spec.types');
      expect(policyOf(update)?.types).toEqual(['ingress', 'egress']);
    }
  });

  test.each([
    ['an order that cannot be read is the first', { order: 'x' }, { order: Number.NEGATIVE_INFINITY }],
    ['no order stays none', { preDNAT: 7 }, { order: null, preDNAT: false }],
    ['forwarding is closed as well, if it may be meant', { applyOnForward: 'yes' }, { applyOnForward: true }],
    ['rules that are no list imply their direction', { egress: 'x' }, { types: ['egress'], ingress: [], egress: DENY }],
  ])('%s', (_, spec, expected) => {
    const update = gnp(spec);
    expect(update?.invalid).toBeDefined();
    expect(policyOf(update)).toMatchObject(expected);
  });

  test.each([{ selector: 'a = b' }, { namespaceSelector: 'a = b' }, { serviceAccountSelector: '((' }, { selector: 7 }])(
    'a policy that selects by what does not parse selects nothing: %j',
    (spec) => {
      expect(gnp({ ...spec, types: ['Ingress'] })).toMatchObject({ value: null, invalid: { code: 'E_INVALID' } });
    },
  );

  test('a profile with a bad rule denies everything and keeps its labels', () => {
    const spec = { labelsToApply: { a: 'b' }, ingress: [{ action: 'Allow' }, { action: 'x' }] };
    const update = decodeAs('profiles', 'p', { spec });
    expect(update?.invalid).toBeDefined();
    expect(update?.value as Profile).toMatchObject({ labelsToApply: { a: 'b' }, ingress: DENY, egress: DENY });
  });

  test('a FelixConfiguration with a bad field sets the others', () => {
    const update = decodeAs('felixconfigurations', 'default', {
      spec: { reportingInterval: 'soon', healthPort: 9099 },
    });
    expect(update).toMatchObject({ value: { parameters: { HealthPort: '9099' } }, invalid: { code: 'E_INVALID' } });
    expect(update?.invalid?.reason).toContain('spec.reportingInterval');
  });

  test('a FelixConfiguration with fields named as what every object has', () => {
    const { value } = decode(
      resourceKey('felixconfigurations', 'default'),
      '{"spec": {"constructor": "x", "__proto__": "y", "toString": "z", "healthPort": 9099}}',
    ) as Update<'FelixConfiguration'>;
    expect(value?.parameters).toEqual({ Constructor: 'x', ToString: 'z', HealthPort: '9099' });
  });

  test('an endpoint with a bad address', () => {
    const spec = {
      node: 'n',
      orchestrator: 'cni',
      containerID: 'c',
      endpoint: 'e',
      interfaceName: 'i',
      ipNetworks: ['x'],
    };
    expect(decodeAs('workloadendpoints', 'w', { spec }, 'prod')).toMatchObject({
      value: null,
      invalid: { reason: expect.stringContaining('spec.ipNetworks') },
    });
  });
});

describe('selectors', () => {
  const source = (side: object, namespace?: string) => {
    const spec = { ingress: [{ action: 'Allow', source: side }] };
    const update = namespace
      ? decodeAs('networkpolicies', 'default.p', { spec }, namespace)
      : decodeAs('globalnetworkpolicies', 'default.p', { spec });
    return policyOf(update)?.ingress[0]?.source.selector;
  };

  test.each([
    [{}, undefined, ''],
    [{ nets: ['10.0.0.0/8'] }, 'red', ''],
    [{ selector: "a == 'b'" }, undefined, "a == 'b'"],
    [{ selector: "a == 'b'" }, 'red', "(projectcalico.org/namespace == 'red') && (a == 'b')"],
    [{ notSelector: "a == 'b'" }, 'red', "projectcalico.org/namespace == 'red'"],
    [{ namespaceSelector: 'all()' }, 'red', 'has(projectcalico.org/namespace)'],
    [{ namespaceSelector: 'global()' }, 'red', '!has(projectcalico.org/namespace)'],
    [{ namespaceSelector: 'has(x)' }, 'red', 'has(pcns.x)'],
    [
      { serviceAccounts: { names: ['b', 'a'] } },
      'red',
      '(projectcalico.org/namespace == \'red\') && (projectcalico.org/serviceaccount in {"a", "b"})',
    ],
    [
      { serviceAccounts: { selector: 'has(x)' }, namespaceSelector: 'has(y)', selector: 'has(z)' },
      undefined,
      '((has(pcns.y)) && (has(pcsa.x))) && (has(z))',
    ],
  ])('%j in namespace %s', (side, namespace, expected) => {
    expect(source(side, namespace)).toBe(expected);
  });

  test('of a policy for all namespaces', () => {
    expect(policyOf(gnp({ namespaceSelector: 'all()' }))?.selector).toBe('has(projectcalico.org/namespace)');
  });
});

describe('tiers', () => {
  const tier = (spec: object) => decodeAs('tiers', 't', { spec });

  test.each([
    [
      { order: 12.5, defaultAction: 'Deny' },
      { order: 12.5, defaultAction: 'deny' },
    ],
    [
      { order: 1000, defaultAction: 'Pass' },
      { order: 1000, defaultAction: 'pass' },
    ],
    [{}, { order: null, defaultAction: 'deny' }],
  ])('%j', (spec, expected) => expect(tier(spec)).toMatchObject({ id: { kind: 'Tier', name: 't' }, value: expected }));

  test.each([
    [{ order: 5, defaultAction: 'Allow' }, { order: 5, defaultAction: 'deny' }, 'spec.defaultAction'],
    [{ order: 'one', defaultAction: 'Pass' }, { order: Number.NEGATIVE_INFINITY, defaultAction: 'pass' }, 'spec.order'],
  ])('of %j there is what can be read', (spec, value, field) => {
    expect(tier(spec)).toMatchObject({ value, invalid: { reason: expect.stringContaining(field) } });
  });

  test('the tier of a policy', () => {
    expect(policyOf(gnp({ tier: 'security' }))?.tier).toBe('security');
    expect(policyOf(gnp({}))?.tier).toBe('default');
  });
});

test('types that are not written follow from the rules', () => {
  const rule = [{ action: 'Allow' }];
  expect(policyOf(gnp({}))?.types).toEqual(['ingress']);
  expect(policyOf(gnp({ egress: rule }))?.types).toEqual(['egress']);
  expect(policyOf(gnp({ egress: rule, ingress: rule }))?.types).toEqual(['ingress', 'egress']);
});

test.each([
  { bgp: { ipv4Address: 'fd00::1/64' } },
  { bgp: { ipv6Address: '192.0.2.1' } },
  { bgp: { ipv4IPIPTunnelAddr: 'fd00::1' } },
  { ipv4VXLANTunnelAddr: 'fd00::1' },
  { ipv6VXLANTunnelAddr: '192.0.2.1' },
])('an address of a node that is of the other family: %j', (spec) => {
  expect(decodeAs('nodes', 'n', { spec })).toMatchObject({
    value: null,
    invalid: { reason: expect.stringMatching(/expected an IPv[46] address/) },
  });
});

describe('IPAM blocks', () => {
  const block = (fields: object) =>
    decode(
      '/calico/ipam/v2/assignment/ipv4/block/10.0.0.8-29',
      JSON.stringify({ cidr: '10.0.0.8/29', affinity: 'host:n1', allocations: [], attributes: [], ...fields }),
    );
  const attributes = [
    { handle_id: 'a', secondary: { node: 'n1' } },
    { secondary: { node: 'n2' } },
    { secondary: null },
  ];

  test('addresses of other hosts are borrowed', () => {
    expect(block({ allocations: [0, null, 1, 2, 1], attributes })?.value).toEqual({
      id: { kind: 'IPAMBlock', name: '10.0.0.8-29' },
      cidr: '10.0.0.8/29',
      host: 'n1',
      borrowed: new Map([
        ['10.0.0.10', 'n2'],
        ['10.0.0.12', 'n2'],
      ]),
    });
  });

  test('of a block that is nobody’s, every address is', () => {
    expect(block({ affinity: null, allocations: [0], attributes })?.value).toMatchObject({
      borrowed: new Map([['10.0.0.8', 'n1']]),
    });
  });

  test('one that is marked as deleted is gone', () => {
    expect(block({ deleted: true })).toEqual({ id: { kind: 'IPAMBlock', name: '10.0.0.8-29' }, value: null });
  });
});

describe('a HostEndpoint', () => {
  const eth0 = { node: 'h', interfaceName: 'eth0', expectedIPs: ['192.0.2.1'], profiles: ['a', 'b'] };
  const whole = {
    node: 'h',
    interfaceName: 'eth0',
    expectedIps: ['192.0.2.1'],
    profiles: ['a', 'b'],
    labels: { x: 'y' },
  };
  const hostEndpoint = (spec: object, metadata: unknown = { labels: { x: 'y' } }) =>
    decode(resourceKey('hostendpoints', 'e'), JSON.stringify({ metadata, spec: { ...eth0, ...spec } }));

  test.each([
    [{ ports: [{ name: 'a', protocol: 'TCP', port: 0 }] }, {}, 'spec.ports.port'],
    [{ profiles: ['a', 7, 'b'] }, { profiles: ['a'] }, 'spec.profiles'],
    [{ profiles: 'a' }, { profiles: [] }, 'spec.profiles'],
    [{ expectedIPs: ['x', '192.0.2.1'] }, {}, 'spec.expectedIPs'],
    [{ interfaceName: 'eth 0' }, { interfaceName: '' }, 'spec.interfaceName'],
  ])('with %j is what can be read of it', (spec, differs, field) => {
    const update = hostEndpoint(spec);
    expect(update).toMatchObject({
      value: { ...whole, ...differs },
      invalid: { reason: expect.stringContaining(field) },
    });
    expect(update?.value).toMatchObject({ ports: [] });
  });

  test.each([7, { labels: { x: 7 } }, { labels: 'x' }])(
    'whose labels cannot be read has no profiles: %j',
    (metadata) => {
      expect(hostEndpoint({}, metadata)).toMatchObject({
        value: { ...whole, labels: {}, profiles: [] },
        invalid: { reason: expect.stringContaining('metadata') },
      });
    },
  );

  test.each([{ node: 7 }, { interfaceName: 'eth 0', expectedIPs: ['x'] }])(
    'of nobody knows where is none: %j',
    (spec) => {
      expect(hostEndpoint(spec)).toMatchObject({ value: null, invalid: {} });
    },
  );
});

describe('addresses of a workload', () => {
  const endpoint = (fields: object) => {
    const where = { node: 'h', orchestrator: 'openstack', workload: 'w', endpoint: 'e', interfaceName: 'tap1' };
    return decodeAs(
      'workloadendpoints',
      'w',
      { spec: { ...where, ipNetworks: ['10.0.0.1/32'], ...fields } },
      'openstack',
    );
  };

  test('address pairs are among its networks already: the list beside them says nothing more', () => {
    const nets = ['10.0.0.1/32', '23.23.23.2/32'];
    const value = endpoint({ ipNetworks: nets, allowedIps: ['23.23.23.2/32'] })?.value;
    expect(value).toMatchObject({ nets });
    expect(value).not.toHaveProperty('allowedSources');
  });

  test('sources that it may use beyond its own', () => {
    expect(endpoint({ allowSpoofedSourcePrefixes: ['10.1.0.0/24', '2001:db8::1'] })?.value).toMatchObject({
      allowedSources: ['10.1.0.0/24', '2001:db8::1/128'],
    });
    expect(endpoint({ allowSpoofedSourcePrefixes: ['any'] })).toMatchObject({
      value: { node: '', nets: ['10.0.0.1/32'] },
      invalid: { reason: expect.stringContaining('spec.allowSpoofedSourcePrefixes') },
    });
  });

  test.each([
    [{ ipNetworks: ['x', '10.0.0.2/32'] }, { nets: ['10.0.0.2/32'] }],
    [{ ports: [{ name: 'a', protocol: 'TCP', port: 80 }, 7] }, { ports: [{ name: 'a', protocol: 6, port: 80 }] }],
    [{ qosControls: 7 }, {}],
    [{ node: 7, profiles: ['a'] }, { profiles: ['a'] }],
  ])('of one that cannot be read are kept for selectors, and it runs nowhere: %j', (spec, kept) => {
    expect(endpoint(spec)).toMatchObject({
      value: { node: '', interfaceName: '', nets: ['10.0.0.1/32'], ...kept },
      invalid: { reason: expect.stringContaining(`spec.${Object.keys(spec)[0]}`) },
    });
  });

  test.each([{ profiles: [7] }, { profiles: 'a' }, { ipNetworks: ['x'] }])('of nobody knows whom: %j', (spec) => {
    expect(endpoint(spec)).toMatchObject({ value: null, invalid: {} });
  });
});

test.each([undefined, 'prod'])('one bad prefix of a set of networks leaves the others (namespace %s)', (namespace) => {
  const plural = namespace ? 'networksets' : 'globalnetworksets';
  const set = (nets: unknown) => decodeAs(plural, 's', { spec: { nets }, metadata: { labels: { a: 'b' } } }, namespace);
  expect(set(['10.0.0.0/8', '10.0.0.0/99', 'fd00::/64', 7])).toMatchObject({
    value: { nets: ['10.0.0.0/8', 'fd00::/64'], labels: { a: 'b' }, profiles: namespace ? ['kns.prod'] : [] },
    invalid: { reason: expect.stringMatching(/spec.nets: found "10.0.0.0\/99".*spec.nets: found 7/) },
  });
  expect(set('10.0.0.0/8')).toMatchObject({ value: { nets: [] }, invalid: {} });
});

test.each(['cali0123456789abcdef', 'cali 1', '+', '../x', 'all', 'cali1\n-F'])(
  'an endpoint of the interface %j, which there cannot be, is not valid',
  (interfaceName) => {
    const spec = {
      node: 'h',
      orchestrator: 'k8s',
      pod: 'a',
      endpoint: 'eth0',
      ipNetworks: ['10.0.0.1/32'],
      interfaceName,
    };
    for (const plural of ['workloadendpoints', 'hostendpoints']) {
      const key = resourceKey(plural, 'a', plural === 'workloadendpoints' ? 'ns' : undefined);
      expect(decode(key, JSON.stringify({ metadata: {}, spec }))).toMatchObject({
        value: plural === 'workloadendpoints' ? { node: '', interfaceName: '' } : null,
        invalid: { reason: expect.stringContaining('spec.interfaceName') },
      });
    }
  },
);
