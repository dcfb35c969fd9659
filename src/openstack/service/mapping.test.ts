/** What Neutron's objects become, held against what upstream's driver was recorded to write for them. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Region } from '../region.ts';
import { endpointOf, portOfEndpoint } from './endpoint.ts';
import { groupLabels, projectLabels, sanitised } from './labels.ts';
import type { FloatingIp, Port, PortFacts, SecurityGroup, SecurityGroupRule, Subnet } from './neutron.ts';
import { policyOf } from './policy.ts';
import { type PolicyRule, ruleOf } from './rule.ts';
import { subnetOf } from './subnet.ts';

const VECTORS = 'test/vectors/neutron/';
const REGION = new Region('');
const DEMO = { id: `${'p'.repeat(31)}1`, name: 'demo', parent_id: 'default' };

/** Everything that was in etcd after a step. */
function dump(step: number): Record<string, { metadata: Record<string, unknown>; spec: Record<string, PolicyRule[]> }> {
  const file = readdirSync(VECTORS).find((name) => name.startsWith(`${step}-`)) as string;
  return JSON.parse(readFileSync(VECTORS + file, 'utf8'));
}

/** Neutron's answer to a call. */
function answer<T>(name: string): T {
  const body = JSON.parse(readFileSync(`${VECTORS}${name}.resp`, 'utf8'));
  return Object.values(body)[0] as T;
}

/** A recorded value without what the time of the recording made. */
function timeless(value: { metadata: Record<string, unknown> } | undefined) {
  if (!value) return undefined;
  const { uid: _, creationTimestamp: __, ...metadata } = value.metadata;
  return { ...value, metadata };
}

const subnets = [answer<Subnet>('s4'), answer<Subnet>('s6')];
const names: Record<string, string> = {
  '52476901-d57d-4bdb-98be-7d19d7cbd5ae': 'web servers!',
  '0571343b-c2d0-4c48-9fad-68173882c12e': 'db',
  'defe1d9b-dbe1-429c-83b2-c2e3148ad2cb': 'default',
};

function factsOf(port: Port, floatingips: FloatingIp[] = []): PortFacts {
  const security_groups = Object.entries(names).map(([id, name]) => ({ id, name }));
  return { port, subnets, security_groups, floatingips };
}

describe('as recorded', () => {
  test.each(subnets)('subnet $cidr', (subnet) => {
    const made = subnetOf(REGION, subnet);
    expect(made?.value).toEqual(dump(1)[made?.key ?? '']);
  });

  test.each([
    ['port', 3],
    ['port2', 3],
    ['port-update', 4],
    ['port-migrate', 5],
  ] as const)('%s: the endpoint of step %i', (name, step) => {
    const outcome = endpointOf(REGION, factsOf(answer<Port>(name)), DEMO);
    if (typeof outcome === 'string') throw new Error(outcome);
    const { key, value } = outcome.endpoint;
    expect(value).toEqual(timeless(dump(step)[key]));
  });

  test('a floating IP is in the endpoint', () => {
    const outcome = endpointOf(REGION, factsOf(answer<Port>('port-migrate'), [answer<FloatingIp>('fip')]), DEMO);
    expect(outcome).toMatchObject({
      endpoint: { value: { spec: { ipNATs: [{ internalIP: '10.65.0.15', externalIP: '172.16.1.216' }] } } },
    });
  });

  test('the policy of a group, with the rules of steps.sh', () => {
    const created = answer<SecurityGroup>('sg');
    const added = readFileSync(`${VECTORS}steps.sh`, 'utf8')
      .split('\n')
      .map((line) => /^\s*(?:'|")(\{.*"direction.*|\{\\"direction.*)(?:'|") *(?:\\|; do)/.exec(line)?.[1])
      .filter((text) => text !== undefined)
      .map((text) => JSON.parse(text.replaceAll('\\"', '"').replace('$SG2', '0571343b-c2d0-4c48-9fad-68173882c12e')));
    expect(added).toHaveLength(8);
    const none = { protocol: null, port_range_min: null, port_range_max: null, remote_ip_prefix: null };
    // Neutron's answers to the rules were lost, and with them their ids, which make the order.
    const rules = added.map((rule, i) => ({ ...none, remote_group_id: null, ...rule, id: `9${i}` }));
    const security_group = { ...created, security_group_rules: [...rules, ...created.security_group_rules] };
    const { policy, problems } = policyOf(REGION, { security_group, address_groups: [] });
    const recorded = dump(2)[policy.key];
    const sorted = (list: unknown) => (list as unknown[]).map((rule) => JSON.stringify(rule)).sort();
    const made = policy.value as NonNullable<typeof recorded>;
    const canonical = (list: unknown) => sorted((list as object[]).map(inOrder));
    expect(problems).toEqual([]);
    for (const direction of ['ingress', 'egress'])
      expect(canonical(made.spec[direction])).toEqual(canonical(recorded?.spec[direction]));
    expect({ ...made, spec: null }).toEqual({ ...timeless(recorded), spec: null });
    expect(made.spec.selector).toBe(recorded?.spec.selector);
  });
});

/** With the fields of objects in alphabetical order. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, field]) => [name, inOrder(field)]),
  );
}

describe('rules', () => {
  const rule = (fields: Partial<SecurityGroupRule>): SecurityGroupRule => ({
    id: 'r',
    direction: 'ingress',
    ethertype: 'IPv4',
    protocol: null,
    port_range_min: null,
    port_range_max: null,
    remote_ip_prefix: null,
    remote_group_id: null,
    ...fields,
  });
  const groups = [{ id: 'ag', addresses: ['10.1.0.0/16', '2001:db8::1/128'] }];
  const made = (fields: Partial<SecurityGroupRule>) => ruleOf(rule(fields), groups);
  const ports = (min: number | null, max: number | null) => ({ port_range_min: min, port_range_max: max });
  const allow = { action: 'Allow', ipVersion: 4 };

  test.each([
    [{ protocol: 'tcp' }, { protocol: 6 }],
    [
      { protocol: '6', ...ports(80, 80) },
      { protocol: '6', destination: { ports: [80] } },
    ],
    [
      { protocol: 'dccp', ...ports(1, 2) },
      { protocol: 33, destination: { ports: ['1:2'] } },
    ],
    [{ protocol: 'gre' }, { protocol: 47 }],
    [{ protocol: '255' }, { protocol: '255' }],
    [{ protocol: 'any' }, {}],
    [
      { protocol: 'icmp', ...ports(3, null) },
      { protocol: 'ICMP', icmp: { type: 3 } },
    ],
    [
      { protocol: '1', ...ports(8, 0) },
      { protocol: 'ICMP', icmp: { type: 8, code: 0 } },
    ],
    [{ protocol: '1' }, { protocol: '1' }],
    [{ remote_ip_prefix: '10.1.2.3/8' }, { source: { nets: ['10.1.2.3/8'] } }],
    [{ remote_group_id: 'g' }, { source: { selector: 'has(sg.projectcalico.org/openstack-g)' } }],
    [{ remote_address_group_id: 'ag' }, { source: { nets: ['10.1.0.0/16'] } }],
    [
      { direction: 'egress', protocol: 'udp', ...ports(53, 53), remote_group_id: 'g' },
      { protocol: 17, destination: { selector: 'has(sg.projectcalico.org/openstack-g)', ports: [53] } },
    ],
  ] as [Partial<SecurityGroupRule>, object][])('%j', (fields, expected) => {
    expect(made(fields)).toEqual({ ...allow, ...expected });
  });

  test.each(['icmp', 'icmpv6', 'ipv6-icmp'])('%s over IPv6 is ICMPv6', (protocol) => {
    expect(made({ ethertype: 'IPv6', protocol, ...ports(128, 0) })).toEqual({
      action: 'Allow',
      ipVersion: 6,
      protocol: 'ICMPv6',
      icmp: { type: 128, code: 0 },
    });
  });

  test.each([
    { protocol: 'nonsense' },
    { protocol: '256' },
    { protocol: 'constructor' },
    { protocol: 'gre', ...ports(1, 2) },
    { protocol: null, ...ports(1, 2) },
    { remote_ip_prefix: 'x' },
    { remote_ip_prefix: '2001:db8::/32' },
    { remote_address_group_id: 'unknown' },
    { ethertype: 'x' },
  ])('allows nothing rather than too much: %j', (fields) => {
    expect(made(fields)).toEqual(expect.any(String));
  });

  test('one that means nothing does not stop the others', () => {
    const security_group_rules = [rule({ id: 'a', protocol: 'x' }), rule({ id: 'b', protocol: 'tcp' })];
    const group = { security_group: { id: 'g', name: '', security_group_rules }, address_groups: [] };
    const { policy, problems } = policyOf(REGION, group);
    expect(policy.value).toMatchObject({ spec: { ingress: [{ protocol: 6 }], egress: [] } });
    expect(problems).toMatchObject([{ group: 'g', rule: 'a' }]);
  });
});

describe('labels', () => {
  test.each([
    ['web servers!', 'web_servers'],
    ['_a.b-', 'a.b'],
    ['é', ''],
    ['a\u{1f600}b', 'a_b'],
    ['', ''],
    ['x'.repeat(70), 'x'.repeat(63)],
  ])('%s', (name, label) => {
    expect(sanitised(name)).toBe(label);
  });

  test('names that become alike: the smallest id has the label, whatever the order', () => {
    const groups = ['b', 'a', 'c'].map((id) => ({ id, name: `web${id === 'a' ? '!' : '?'}` }));
    const expected = {
      'sg.projectcalico.org/openstack-a': 'web',
      'sg.projectcalico.org/openstack-b': 'web',
      'sg.projectcalico.org/openstack-c': 'web',
      'sg-name.projectcalico.org/openstack-web': 'a',
    };
    expect(groupLabels(groups)).toEqual(expected);
    expect(groupLabels(groups.reverse())).toEqual(expected);
  });

  test("a group's name makes no label but its own", () => {
    const name = 'x/../projectcalico.org/namespace';
    expect(Object.keys(groupLabels([{ id: 'i', name }]))).toEqual([
      'sg.projectcalico.org/openstack-i',
      'sg-name.projectcalico.org/openstack-x_.._projectcalico.org_name',
    ]);
    expect(groupLabels([{ id: 'i', name: '!' }])).toEqual({ 'sg.projectcalico.org/openstack-i': '' });
  });

  test('a project that Keystone does not know, and one without a parent', () => {
    expect(projectLabels({ id: 'p' })).toEqual({ 'projectcalico.org/openstack-project-id': 'p' });
    expect(projectLabels({ id: 'p', name: 'a b', parent_id: null })).toEqual({
      'projectcalico.org/openstack-project-id': 'p',
      'projectcalico.org/openstack-project-name': 'a_b',
      'projectcalico.org/openstack-project-parent-id': null,
    });
  });
});

describe('endpoints', () => {
  const port = answer<Port>('port');
  const endpoint = (fields: Partial<Port>, region = REGION) =>
    endpointOf(region, factsOf({ ...port, ...fields }), DEMO);

  test.each([
    { device_owner: 'network:dhcp' },
    { device_owner: '' },
    { 'binding:host_id': '' },
    { 'binding:vif_type': 'unbound' },
    { device_id: '' },
  ])('%j has none', (fields) => {
    expect(endpoint(fields)).toBe('nothing');
  });

  test('on its way between hosts: nothing is written', () => {
    expect(endpoint({ 'binding:profile': { migrating_to: 'compute2' } })).toBe('keep');
  });

  test('an address pair that is a prefix stays one', () => {
    const pairs = [{ ip_address: '10.99.0.0/16' }, { ip_address: '2001:db8::9' }];
    expect(endpoint({ allowed_address_pairs: pairs })).toMatchObject({
      endpoint: { value: { spec: { allowedIps: ['10.99.0.0/16', '2001:db8::9/128'] } } },
    });
  });

  test("a pair as wide as everything is what it may send from, and no route: that would be the host's default", () => {
    const pairs = ['0.0.0.0/0', '128.0.0.0/1', '::/0', '10.0.0.0/8'].map((ip_address) => ({ ip_address }));
    const outcome = endpoint({ allowed_address_pairs: pairs, fixed_ips: [] });
    expect(outcome).toMatchObject({
      endpoint: {
        value: {
          spec: {
            ipNetworks: ['10.0.0.0/8'],
            allowedIps: ['10.0.0.0/8'],
            allowSpoofedSourcePrefixes: ['0.0.0.0/0', '128.0.0.0/1', '::/0'],
          },
        },
      },
    });
  });

  test('port security that is off lets everything through, from any address', () => {
    expect(endpoint({ port_security_enabled: false, security_groups: [] })).toMatchObject({
      endpoint: {
        value: {
          metadata: { labels: { 'projectcalico.org/openstack-port-security-disabled': 'true' } },
          spec: { allowSpoofedSourcePrefixes: ['0.0.0.0/0', '::/0'] },
        },
      },
    });
  });

  test('a region has a namespace of its own', () => {
    const outcome = endpoint({}, new Region('east'));
    if (typeof outcome === 'string') throw new Error(outcome);
    expect(outcome.endpoint.key).toContain('/workloadendpoints/openstack-region-east/compute1-openstack-');
    expect(outcome.endpoint.value).toMatchObject({
      metadata: {
        namespace: 'openstack-region-east',
        labels: { 'projectcalico.org/namespace': 'openstack-region-east' },
      },
    });
    expect(new Region('east').subnets).toBe('/calico/dhcp/v2/region-east/subnet/');
    expect(() => new Region('a/b')).toThrow('namespace');
  });

  test('the port of an endpoint is in its name', () => {
    const outcome = endpoint({ 'binding:host_id': 'a-b--c' });
    if (typeof outcome === 'string') throw new Error(outcome);
    expect(portOfEndpoint(outcome.endpoint.key.split('/').at(-1) as string)).toBe(port.id);
    expect(portOfEndpoint('h-k8s-pod-eth0')).toBeNull();
  });
});
