/** What Felix's configuration changes in the chains, evaluated and as iptables hears it. */
import { describe, expect, test } from 'vitest';
import { hostEndpoint, policy, pool, rule } from '../calc/testing/resources.ts';
import type { BGPConfiguration } from '../model/index.ts';
import { cidr, IPIP, ip, TCP, UDP } from '../net/index.ts';
import type { Packet } from './packet.ts';
import { fromOutside, fromW1, fromW1v6, OWN, open, outcome, rendered, send, w1, w2 } from './testing/send.ts';

const workloads = [open, w1, w2];
const eth0 = hostEndpoint('eth0', { interfaceName: 'eth0' });
const toHost = { ...fromOutside, destination: OWN[4] };

describe('IptablesFilterDenyAction REJECT', () => {
  const config = { filterDenyAction: 'reject' } as const;
  const denies = policy('deny', { types: ['egress'], egress: [rule({ action: 'deny' })] });
  const silent = policy('silent', { types: ['egress'] });

  test.each<[string, Partial<Packet>, Parameters<typeof send>[1], string]>([
    ['a rule that denies', fromW1, [...workloads, denies], 'policy'],
    ['the end of a tier', fromW1, [...workloads, silent], 'end-of-tier'],
    ['no profile', fromW1, [{ ...w1, profiles: [] }, w2], 'no-profile-matched'],
    ['an interface nobody knows', fromW1, [], 'unknown-interface'],
    ['invalid packets', { ...fromW1, conntrack: 'INVALID' }, workloads, 'conntrack'],
    ['tunnels of a workload', { ...fromW1, protocol: IPIP }, workloads, 'encapsulated-from-workload'],
    ['a host endpoint', toHost, [eth0], 'no-profile-matched'],
  ])('%s', (_, packet, resources, what) => {
    expect(outcome(send(packet, resources, config))).toEqual(['reject', what]);
    expect(outcome(send(packet, resources))).toEqual(['drop', what]);
  });

  test('strangers’ tunnels', () => {
    const tunnel = { ...toHost, protocol: IPIP };
    expect(outcome(send(tunnel, [], { ...config, ipip: true }))).toEqual(['reject', 'tunnel']);
  });

  test.each([
    ['raw', { doNotTrack: true }],
    ['mangle', { preDNAT: true }],
  ] as const)('the %s table can only drop', (table, role) => {
    const early = policy('early', {
      ...role,
      applyOnForward: true,
      types: ['ingress'],
      ingress: [rule({ action: 'deny' })],
    });
    expect(outcome(send(toHost, [eth0, early], config))).toEqual(['drop', 'policy']);
    expect(rendered([eth0, early], { table, chain: 'cali-pi-default.early' }, config)).toEqual(['--jump DROP']);
    const invalid = { ...toHost, conntrack: 'INVALID' } as const;
    expect(send(invalid, [eth0, early], config).verdict).toBe('drop');
  });

  test('spoofed packets are dropped all the same, and so is what endpointToHostAction drops', () => {
    expect(outcome(send({ ...fromW1, source: ip('10.65.0.2') }, workloads, config))).toEqual(['drop', 'anti-spoofing']);
    expect(outcome(send({ ...fromW1, destination: OWN[4] }, workloads, config))).toEqual(['drop', 'endpoint-to-host']);
  });

  test('as iptables hears it', () => {
    expect(rendered([...workloads, denies], { chain: 'cali-po-default.deny' }, config)).toEqual(['--jump REJECT']);
    expect(rendered(workloads, { chain: 'cali-to-wl-dispatch' }, config).at(-1)).toBe(
      '-m comment --comment "Unknown interface" --jump REJECT',
    );
  });
});

describe('DisableConntrackInvalidCheck', () => {
  const packet = { ...fromW1, conntrack: 'INVALID' } as const;

  test('policy decides about invalid packets', () => {
    expect(outcome(send(packet, workloads, { denyInvalid: false }))).toEqual(['accept', 'policy']);
    expect(rendered(workloads, { chain: 'cali-tw-cali2' }, { denyInvalid: false }).join()).not.toContain('INVALID');
    expect(rendered(workloads, { chain: 'cali-tw-cali2' })[1]).toBe('-m conntrack --ctstate INVALID --jump DROP');
  });
});

describe('failsafe ports with nets', () => {
  const config = {
    failsafeInbound: [
      { protocol: TCP, port: 22, net: cidr('192.0.2.0/24') },
      { protocol: TCP, port: 23, net: cidr('2001:db8::/32') },
    ],
    failsafeOutbound: [
      { protocol: UDP, port: 53, net: cidr('192.0.2.53/32') },
      { protocol: TCP, port: 443 },
    ],
  };
  const ssh = { ...toHost, destinationPort: 22 };
  const dns = { source: OWN[4], destination: ip('192.0.2.53'), protocol: UDP, destinationPort: 53 };

  test('are open to these only', () => {
    expect(outcome(send(ssh, [eth0], config))).toEqual(['accept', 'failsafe']);
    expect(send({ ...ssh, source: ip('198.51.100.1') }, [eth0], config).verdict).toBe('drop');
    expect(outcome(send(dns, [eth0], config))).toEqual(['accept', 'failsafe']);
    expect(send({ ...dns, destination: ip('192.0.2.54') }, [eth0], config).verdict).toBe('drop');
    expect(outcome(send({ ...dns, protocol: TCP, destinationPort: 443 }, [eth0], config))).toEqual([
      'accept',
      'failsafe',
    ]);
  });

  test('a prefix is of its own family', () => {
    const telnet = { ...fromOutside, source: ip('2001:db8::1'), destination: OWN[6], destinationPort: 23 };
    expect(outcome(send(telnet, [eth0], config))).toEqual(['accept', 'failsafe']);
    expect(send({ ...telnet, source: ip('2001:db9::1') }, [eth0], config).verdict).toBe('drop');
    expect(send({ ...telnet, destinationPort: 22 }, [eth0], config).verdict).toBe('drop');
    expect(send({ ...ssh, destinationPort: 23 }, [eth0], config).verdict).toBe('drop');
  });

  test('as iptables hears it: in the raw table the answers, too', () => {
    const untracked = policy('u', { doNotTrack: true, applyOnForward: true });
    expect(rendered([eth0, untracked], { table: 'raw', chain: 'cali-failsafe-in' }, config)).toEqual([
      '-p tcp --source 192.0.2.0/24 -m multiport --destination-ports 22 --jump ACCEPT',
      '-p udp --source 192.0.2.53/32 -m multiport --source-ports 53 --jump ACCEPT',
      '-p tcp -m multiport --source-ports 443 --jump ACCEPT',
    ]);
    expect(rendered([eth0, untracked], { table: 'raw', chain: 'cali-failsafe-out' }, config)).toEqual([
      '-p udp --destination 192.0.2.53/32 -m multiport --destination-ports 53 --jump ACCEPT',
      '-p tcp -m multiport --destination-ports 443 --jump ACCEPT',
      '-p tcp -m multiport --source-ports 22 --destination 192.0.2.0/24 --jump ACCEPT',
    ]);
    expect(rendered([eth0], { chain: 'cali-failsafe-in', family: 6 }, config)).toEqual([
      '-p tcp --source 2001:db8::/32 -m multiport --destination-ports 23 --jump ACCEPT',
    ]);
  });
});

describe('NAT-outgoing', () => {
  const nat = [...workloads, { ...pool('10.65.0.0/16'), natOutgoing: true }];
  const nat6 = [...workloads, { ...pool('fd00:65::/64'), natOutgoing: true }];
  const sets = {
    'masq-ipam-pools': ['10.65.0.1', 'fd00:65::1'],
    'all-ipam-pools': ['10.65.0.1', '10.65.0.2', 'fd00:65::1'],
    'all-hosts-net': ['172.30.0.12'],
  };
  const leaving = { ...fromW1, destination: ip('192.0.2.1') };
  const translations = (packet: Partial<Packet>, config = {}, resources = nat) =>
    send(packet, resources, config, sets).translations;
  const rules = (config = {}) => rendered(nat, { table: 'nat', chain: 'cali-nat-outgoing' }, config);

  test('leaves pools’ own addresses alone', () => {
    expect(translations(leaving)).toEqual([{ type: 'masquerade' }]);
    expect(translations(fromW1)).toEqual([]);
  });

  test('by one interface only', () => {
    expect(translations(leaving, { natOutgoingInterface: 'eth0' })).toEqual([{ type: 'masquerade' }]);
    expect(translations(leaving, { natOutgoingInterface: 'bond+' })).toEqual([]);
    expect(rules({ natOutgoingInterface: 'eth0' })).toEqual([
      '--out-interface eth0 -m set --match-set cali40masq-ipam-pools src -m set ! --match-set cali40all-ipam-pools dst --jump MASQUERADE --random-fully',
    ]);
  });

  test('not to other hosts', () => {
    const toPeer = { ...leaving, destination: ip('172.30.0.12') };
    expect(translations(toPeer)).toEqual([{ type: 'masquerade' }]);
    expect(translations(toPeer, { natOutgoingExcludesHosts: true })).toEqual([]);
    expect(translations(leaving, { natOutgoingExcludesHosts: true })).toEqual([{ type: 'masquerade' }]);
    expect(rules({ natOutgoingExcludesHosts: true })[0]).toContain('! --match-set cali40all-hosts-net dst');
  });

  test('to one address, of its own family', () => {
    const config = { natOutgoingAddress: ip('192.0.2.99') };
    expect(translations(leaving, config)).toEqual([{ type: 'snat', to: '192.0.2.99' }]);
    expect(translations({ ...fromW1v6, destination: ip('2001:db8::1') }, config, nat6)).toEqual([
      { type: 'masquerade' },
    ]);
  });

  test('from a range of ports, where there are ports', () => {
    const set = '-m set --match-set cali40masq-ipam-pools src -m set ! --match-set cali40all-ipam-pools dst';
    expect(rules({ natPortRange: { min: 40000, max: 41000 }, natOutgoingAddress: ip('192.0.2.99') })).toEqual([
      `-p tcp ${set} --jump SNAT --to-source 192.0.2.99:40000-41000 --random-fully`,
      `-p tcp ${set} --jump RETURN`,
      `-p udp ${set} --jump SNAT --to-source 192.0.2.99:40000-41000 --random-fully`,
      `-p udp ${set} --jump RETURN`,
      `${set} --jump SNAT --to-source 192.0.2.99 --random-fully`,
    ]);
  });

  test('what the host sends into its tunnels has the tunnel’s address, from any port', () => {
    const config = { natPortRange: { min: 1, max: 2 }, addressedTunnels: ['vxlan4'] as const };
    expect(rendered([], { table: 'nat', chain: 'cali-POSTROUTING' }, config).at(-1)).toBe(
      '--out-interface vxlan.calico -m addrtype ! --src-type LOCAL --limit-iface-out -m addrtype --src-type LOCAL --jump MASQUERADE --random-fully',
    );
  });
});

describe('WorkloadSourceSpoofing', () => {
  const config = { workloadSourceSpoofing: true };
  const vip = { ...w1, allowedSources: [cidr('10.1.0.0/24'), cidr('2001:db8::/64')] };
  const resources = [open, vip, w2];
  const spoofed = { ...fromW1, source: ip('10.1.0.7') };

  test('an endpoint may send from the prefixes that it lists', () => {
    expect(outcome(send(spoofed, resources, config))).toEqual(['accept', 'policy']);
    expect(outcome(send({ ...fromW1v6, source: ip('2001:db8::7') }, resources, config))).toEqual(['accept', 'policy']);
  });

  test('from no other, by no other interface, and not where the host does not have it', () => {
    const not = ['drop', 'anti-spoofing'];
    expect(outcome(send({ ...spoofed, source: ip('10.1.1.7') }, resources, config))).toEqual(not);
    expect(outcome(send({ ...spoofed, inInterface: 'cali2' }, resources, config))).toEqual(not);
    expect(outcome(send(spoofed, resources))).toEqual(not);
  });

  test('as iptables hears it', () => {
    const raw = (chain: string, from = resources, with_ = config) => rendered(from, { table: 'raw', chain }, with_);
    expect(raw('cali-rpf-skip')).toEqual(['--in-interface cali1 --source 10.1.0.0/24 --jump ACCEPT']);
    expect(raw('cali-PREROUTING').slice(2, 4)).toEqual([
      '-m mark --mark 0x40000/0x40000 --jump cali-rpf-skip',
      '-m mark --mark 0x40000/0x40000 -m rpfilter --invert --jump DROP',
    ]);
    expect(raw('cali-rpf-skip', workloads)).toEqual([]);
    expect(rendered(resources, { table: 'raw', chain: 'cali-rpf-skip' })).toEqual([]);
  });
});

describe('ServiceLoopPrevention', () => {
  const services: BGPConfiguration = {
    id: { kind: 'BGPConfiguration', name: 'default' },
    serviceClusterIps: [cidr('10.96.0.0/12'), cidr('fd00:96::/112')],
    serviceExternalIps: [cidr('192.0.2.0/24')],
    serviceLoadBalancerIps: [],
  };
  const resources = [...workloads, services];
  const stray = { ...fromW1, destination: ip('10.96.0.7') };
  const back = { ...fromOutside, source: ip('198.51.100.1'), destination: ip('192.0.2.7') };

  test.each(['drop', 'reject'] as const)('%s what nobody translated', (serviceLoopPrevention) => {
    const config = { serviceLoopPrevention };
    expect(outcome(send(stray, resources, config))).toEqual([serviceLoopPrevention, 'service-loop']);
    expect(outcome(send(back, resources, config))).toEqual([serviceLoopPrevention, 'service-loop']);
    expect(outcome(send({ ...fromW1v6, destination: ip('fd00:96::7') }, resources, config))).toEqual([
      serviceLoopPrevention,
      'service-loop',
    ]);
    expect(send(fromW1, resources, config).verdict).toBe('accept');
    const jump = serviceLoopPrevention.toUpperCase();
    expect(rendered(resources, { chain: 'cali-cidr-block' }, config)).toEqual([
      `--destination 10.96.0.0/12 --jump ${jump}`,
      `--destination 192.0.2.0/24 --jump ${jump}`,
    ]);
    expect(rendered(resources, { chain: 'cali-FORWARD' }, config).slice(-2)).toEqual([
      '--jump cali-cidr-block',
      '-m comment --comment "Policy explicitly accepted packet." -m mark --mark 0x10000/0x10000 --jump ACCEPT',
    ]);
  });

  test('disabled, and where there are no services', () => {
    const config = { serviceLoopPrevention: 'disabled' } as const;
    expect(send(stray, resources, config).verdict).toBe('accept');
    expect(rendered(resources, { chain: 'cali-FORWARD' }, config).join()).not.toContain('cidr-block');
    expect(rendered(workloads, { chain: 'cali-FORWARD' }).join()).not.toContain('cidr-block');
  });
});
