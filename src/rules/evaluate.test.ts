/** What happens to a packet on a host, and which rule is named for it. Policy itself: test/unit/policy-property.test.ts. */
import { describe, expect, test } from 'vitest';
import { hostEndpoint, policy, rule } from '../calc/testing/resources.ts';
import { ICMPV6, IPIP, ip, TCP, UDP } from '../net/index.ts';
import type { Trace } from './evaluate.ts';
import type { Origin } from './origin.ts';
import type { Packet } from './packet.ts';
import { fromOutside, fromW1, OWN, open, outcome, send, w1, w2 } from './testing/send.ts';

describe('between workloads', () => {
  test('the last policy or profile that allowed is named', () => {
    const trace = send(fromW1, [open, w1, w2]);
    const origin: Origin = { type: 'policy', id: { kind: 'Profile', name: 'open' }, direction: 'ingress', rule: 0 };
    expect(trace.decider?.rule.origin).toEqual(origin);
    expect(trace.outInterface).toBe('cali2');
  });

  test('the rule that denies is named, with its number', () => {
    const denies = policy('p', { types: ['ingress'], ingress: [rule({ action: 'log' }), rule({ action: 'deny' })] });
    const { verdict, decider } = send(fromW1, [open, w1, w2, denies]);
    const origin: Origin = { type: 'policy', id: denies.id, direction: 'ingress', rule: 1 };
    expect([verdict, decider?.rule.origin]).toEqual(['drop', origin]);
  });

  test('when no rule of a policy matches, the end of its tier is named, for the endpoint and direction', () => {
    const silent = policy('p', { types: ['egress'] });
    const origin: Origin = {
      type: 'default',
      what: 'end-of-tier',
      endpoint: w1.id,
      direction: 'egress',
      tier: 'default',
    };
    expect(send(fromW1, [open, w1, w2, silent]).decider?.rule.origin).toEqual(origin);
  });

  test.each<[string, Partial<Packet>, Trace['verdict'], string]>([
    ['established passes', { conntrack: 'ESTABLISHED' }, 'accept', 'conntrack'],
    ['related passes', { conntrack: 'RELATED' }, 'accept', 'conntrack'],
    ['invalid is dropped', { conntrack: 'INVALID' }, 'drop', 'conntrack'],
    ['a source that is elsewhere is spoofed', { source: ip('10.65.0.2') }, 'drop', 'anti-spoofing'],
    ['a source that is nowhere is spoofed', { source: ip('10.99.9.9') }, 'drop', 'anti-spoofing'],
    ['VXLAN of its own making', { protocol: UDP, destinationPort: 4789 }, 'drop', 'encapsulated-from-workload'],
    ['IP in IP of its own making', { protocol: IPIP }, 'drop', 'encapsulated-from-workload'],
    ['an interface nobody knows', { inInterface: 'cali7', source: ip('192.0.2.7') }, 'drop', 'anti-spoofing'],
  ])('%s', (_, packet, verdict, what) => {
    const deny = policy('deny', { selector: 'has(nothing)' });
    expect(outcome(send({ ...fromW1, ...packet }, [open, w1, w2, deny]))).toEqual([verdict, what]);
  });

  test('tunnels from workloads may be allowed', () => {
    const config = { allowVxlanFromWorkloads: true, allowIpipFromWorkloads: true };
    expect(send({ ...fromW1, protocol: IPIP }, [open, w1, w2], config).verdict).toBe('accept');
    expect(send({ ...fromW1, protocol: UDP, destinationPort: 4789 }, [open, w1, w2], config).verdict).toBe('accept');
  });

  test('a workload that nobody knows yet is closed', () => {
    expect(outcome(send(fromW1, []))).toEqual(['drop', 'unknown-interface']);
    expect(outcome(send(fromW1, [open, w1]))).toEqual(['drop', 'unknown-interface']);
  });

  test('no profile and no policy is closed', () => {
    expect(outcome(send(fromW1, [{ ...w1, profiles: [] }, w2]))).toEqual(['drop', 'no-profile-matched']);
  });

  test('allowed packets may be left to the rules of others', () => {
    const trace = send(fromW1, [open, w1, w2], { filterAllowAction: 'return' });
    expect(outcome(trace)).toEqual(['accept', 'policy']);
    expect(trace.steps.findLast(({ table }) => table === 'filter')?.rule.action.type).toBe('return');
    expect(
      outcome(send({ ...fromW1, conntrack: 'ESTABLISHED' }, [open, w1, w2], { filterAllowAction: 'return' })),
    ).toEqual(['accept', 'conntrack']);
  });

  test('no route: not dropped by a rule, but gone', () => {
    const trace = send({ ...fromW1, destination: ip('10.99.9.9') }, [open, w1]);
    expect([trace.verdict, trace.unrouted]).toEqual(['drop', true]);
  });
});

describe('between a workload and its host', () => {
  const toHost = { ...fromW1, destination: OWN[4] };

  test.each(['accept', 'drop', 'return'] as const)('endpointToHostAction %s', (endpointToHostAction) => {
    const verdict = endpointToHostAction === 'drop' ? 'drop' : 'accept';
    expect(outcome(send(toHost, [open, w1], { endpointToHostAction }))).toEqual([verdict, 'endpoint-to-host']);
  });

  test('egress policy comes first', () => {
    const denied = policy('d', { types: ['egress'], egress: [rule({ action: 'deny' })] });
    expect(outcome(send(toHost, [open, w1, denied], { endpointToHostAction: 'accept' }))).toEqual(['drop', 'policy']);
  });

  test('a host reaches its workloads whatever the policy', () => {
    const sent = { source: OWN[4], destination: ip('10.65.0.1') };
    expect(outcome(send(sent, [{ ...w1, profiles: [] }]))).toEqual(['accept', 'host-to-workload']);
  });

  test('IPv6 neighbours find each other', () => {
    const solicitation = {
      ...fromW1,
      source: ip('fd00:65::1'),
      destination: OWN[6],
      protocol: ICMPV6,
      icmpType: 135,
      icmpCode: 0,
    };
    expect(outcome(send(solicitation, [open, w1]))).toEqual(['accept', 'neighbour-discovery']);
    expect(outcome(send({ ...solicitation, icmpType: 128 }, [open, w1]))).toEqual(['drop', 'endpoint-to-host']);
  });

  test('OpenStack: DHCP before there is an address, DNS, metadata', () => {
    const config = {
      interfacePrefixes: ['cali'],
      openstack: true,
      metadata: { address: OWN[4], port: 8775 },
    };
    const dhcp = {
      ...fromW1,
      protocol: UDP,
      source: ip('0.0.0.0'),
      destination: OWN[4],
      sourcePort: 68,
      destinationPort: 67,
    };
    expect(outcome(send(dhcp, [open, w1], config))).toEqual(['accept', 'dhcp']);
    expect(outcome(send({ ...toHost, protocol: UDP, destinationPort: 53 }, [open, w1], config))).toEqual([
      'accept',
      'dns',
    ]);
    const metadata = send({ ...fromW1, destination: ip('169.254.169.254') }, [open, w1], config);
    expect(outcome(metadata)).toEqual(['accept', 'metadata']);
    expect(metadata.translations).toEqual([{ type: 'dnat', to: OWN[4], port: 8775 }]);
    expect(send(dhcp, [open, w1]).verdict).toBe('drop');
  });
});

describe('OpenStack: who gives out addresses and routes is the host', () => {
  const udp = (sourcePort: number, destinationPort: number) => ({
    ...fromW1,
    protocol: UDP,
    sourcePort,
    destinationPort,
  });
  const v6 = { source: ip('fd00:65::1'), destination: OWN[6] };
  test.each([
    ['an answer of DHCP', udp(67, 68)],
    ['an answer of DHCPv6', { ...udp(547, 546), ...v6 }],
    ['a router advertisement', { ...fromW1, ...v6, protocol: ICMPV6, icmpType: 134, icmpCode: 0 }],
  ])('%s from a workload is dropped, whatever policy says', (_, packet) => {
    const config = { endpointToHostAction: 'accept' } as const;
    const resources = [open, w1, w2];
    expect(send(packet, resources, config).verdict).toBe('accept');
    expect(outcome(send(packet, resources, { ...config, openstack: true }))).toEqual(['drop', 'rogue-server']);
  });
});

describe('host endpoints', () => {
  const eth0 = hostEndpoint('eth0', { interfaceName: 'eth0' });
  const any = hostEndpoint('any', { interfaceName: '*' });
  const toHost = { ...fromOutside, destination: OWN[4] };
  const only = (fields: Parameters<typeof policy>[1]) => policy('host', { selector: '!has(workload)', ...fields });
  const labelled = { ...w1, labels: { workload: 'yes' } };

  test('without any, the host is open', () => expect(outcome(send(toHost, []))).toEqual(['accept', undefined]));
  test('without policy it is closed', () =>
    expect(outcome(send(toHost, [eth0]))).toEqual(['drop', 'no-profile-matched']));
  test('but for failsafe ports', () => {
    expect(outcome(send({ ...toHost, destinationPort: 22 }, [eth0]))).toEqual(['accept', 'failsafe']);
    expect(outcome(send({ source: OWN[4], destination: ip('192.0.2.1'), destinationPort: 2379 }, [eth0]))).toEqual([
      'accept',
      'failsafe',
    ]);
  });

  test('by its addresses it is on the interface that has them', () => {
    const byAddress = hostEndpoint('ips', { interfaceName: '', expectedIps: [OWN[4]] });
    expect(outcome(send(toHost, [byAddress]))).toEqual(['drop', 'no-profile-matched']);
    const elsewhere = hostEndpoint('ips', { interfaceName: '', expectedIps: [ip('172.30.0.99')] });
    expect(outcome(send(toHost, [elsewhere]))).toEqual(['accept', undefined]);
  });

  test('* is every interface, but one with an endpoint of its own', () => {
    expect(send({ ...toHost, inInterface: 'eth7' }, [any]).verdict).toBe('drop');
    const allowed = [eth0, any, only({ selector: 'own == "yes"', ingress: [rule()] })];
    const own = { ...eth0, labels: { own: 'yes' } };
    expect(send(toHost, [own, ...allowed.slice(1)]).verdict).toBe('accept');
    expect(send({ ...toHost, inInterface: 'eth7' }, [own, ...allowed.slice(1)]).verdict).toBe('drop');
  });

  test('forwarded traffic is left alone until a policy has applyOnForward', () => {
    const forwarded = { ...fromOutside, destination: ip('10.65.0.1') };
    const closed = only({ ingress: [rule({ action: 'deny' })] });
    expect(outcome(send(forwarded, [open, labelled, eth0, closed]))).toEqual(['accept', 'policy']);
    expect(outcome(send(forwarded, [open, labelled, eth0, { ...closed, applyOnForward: true }]))).toEqual([
      'drop',
      'policy',
    ]);
  });

  test('doNotTrack: allowed both ways without a connection, and the rest goes on to the other tables', () => {
    const untracked = only({
      doNotTrack: true,
      applyOnForward: true,
      ingress: [rule({ protocol: TCP, destination: { ports: [{ min: 80, max: 80 }] } })],
      egress: [rule({ protocol: TCP, source: { ports: [{ min: 80, max: 80 }] } })],
    });
    const trace = send(toHost, [eth0, untracked]);
    expect(outcome(trace)).toEqual(['accept', 'policy']);
    expect(trace.steps.some(({ rule }) => rule.action.type === 'notrack')).toBe(true);
    expect(outcome(send({ ...toHost, destinationPort: 81 }, [eth0, untracked]))).toEqual([
      'drop',
      'no-profile-matched',
    ]);
    const answer = { source: OWN[4], destination: ip('192.0.2.1'), sourcePort: 80, destinationPort: 40000 };
    expect(outcome(send(answer, [eth0, untracked]))).toEqual(['accept', 'policy']);
  });

  test('doNotTrack leaves answers to failsafe connections in tracking', () => {
    const untracked = only({ doNotTrack: true, applyOnForward: true, ingress: [rule({ action: 'deny' })] });
    const answer = { ...toHost, sourcePort: 2379, destinationPort: 40000, conntrack: 'ESTABLISHED' as const };
    expect(send(answer, [eth0, untracked]).verdict).toBe('accept');
    expect(send({ ...answer, sourcePort: 2390 }, [eth0, untracked]).verdict).toBe('drop');
  });

  test('preDNAT: denies before the destination changes, also for workloads behind it', () => {
    const vm = { ...labelled, nats: [{ internal: ip('10.65.0.1'), external: ip('192.0.2.81') }] };
    const preDnat = only({
      preDNAT: true,
      applyOnForward: true,
      types: ['ingress'],
      ingress: [rule({ action: 'deny', destination: { nets: ['192.0.2.81/32' as never] } })],
    });
    const called = { ...fromOutside, source: ip('198.51.100.1'), destination: ip('192.0.2.81') };
    expect(outcome(send(called, [open, vm, eth0, preDnat]))).toEqual(['drop', 'policy']);
    const trace = send(called, [open, vm, eth0]);
    expect(outcome(trace)).toEqual(['accept', 'policy']);
    expect(trace.translations).toEqual([{ type: 'dnat', to: '10.65.0.1' }]);
    expect(trace.outInterface).toBe('cali1');
  });
});

describe('tunnels between hosts', () => {
  const config = { vxlan: true, ipip: true };
  test.each([
    ['VXLAN', { protocol: UDP, destinationPort: 4789 }],
    ['IPIP', { protocol: IPIP }],
  ])('%s from strangers is dropped', (_, packet) => {
    expect(outcome(send({ ...fromOutside, destination: OWN[4], ...packet }, [], config))).toEqual(['drop', 'tunnel']);
    expect(outcome(send({ ...fromOutside, destination: OWN[4], ...packet }, []))).toEqual(['accept', undefined]);
  });
});
