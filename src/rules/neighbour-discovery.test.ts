import { describe, expect, test } from 'vitest';
import { Host } from '../calc/testing/host.ts';
import { hostEndpoint, policy, profile, rule } from '../calc/testing/resources.ts';
import { idKey, type Kind, type Values } from '../model/index.ts';
import { cidr, ICMP, ICMPV6 } from '../net/index.ts';
import { DEFAULT_RULES_CONFIG } from './config.ts';
import { neighboursDenied } from './neighbour-discovery.ts';

const eth0 = hostEndpoint('eth0', { interfaceName: 'eth0' });

function denied(resources: readonly Values[Kind][], endpoint = eth0) {
  const host = new Host();
  host.put(endpoint, ...resources);
  const { policies, profiles, hostEndpoints } = host.state;
  const local = hostEndpoints.get(idKey(endpoint.id));
  if (!local) throw new Error('no such endpoint here');
  const source = {
    policy: (id: Parameters<typeof idKey>[0]) => policies.get(idKey(id)),
    profile: (name: string) => profiles.get(name),
  };
  return neighboursDenied(local, endpoint.interfaceName, source, DEFAULT_RULES_CONFIG);
}

const neighbours = [135, 136].map((type) => rule({ protocol: ICMPV6, icmp: { type } }));
const both = { ingress: neighbours, egress: neighbours };

describe('neighbour discovery is denied', () => {
  test.each<[string, readonly Values[Kind][], string[]]>([
    ['without policy', [], ['ingress', 'egress']],
    ['not by a policy that allows it', [policy('p', both)], []],
    ['in the direction that allows half of it', [policy('p', { ...both, egress: neighbours.slice(1) })], ['egress']],
    ['in the direction that no policy speaks about', [policy('p', { ...both, types: ['ingress'] })], ['egress']],
    [
      'by ICMP rules that are for IPv4',
      [policy('p', { ingress: [rule({ protocol: ICMP })], egress: neighbours })],
      ['ingress'],
    ],
    [
      'by rules for IPv4 networks',
      [policy('p', { ...both, ingress: [rule({ source: { nets: [cidr('0.0.0.0/0')] } })] })],
      ['ingress'],
    ],
    [
      'by an earlier rule',
      [
        policy('p', { ...both, order: 2 }),
        policy('d', { order: 1, egress: [rule({ action: 'deny' })], types: ['egress'] }),
      ],
      ['egress'],
    ],
    [
      'by an untracked policy',
      [policy('p', both), policy('u', { doNotTrack: true, ingress: [rule({ action: 'deny' })] })],
      ['ingress'],
    ],
    ['not by an untracked policy that allows it', [policy('u', { doNotTrack: true, ...both })], []],
  ])('%s', (_, resources, expected) => expect(denied(resources)).toEqual(expected));

  test('not where a profile allows it; on every interface alike', () => {
    const open = profile('open', { ingress: [rule()], egress: [rule()] });
    expect(denied([open], { ...eth0, profiles: ['open'], interfaceName: '*' })).toEqual([]);
    expect(denied([], { ...eth0, profiles: ['missing'] })).toEqual(['ingress', 'egress']);
    expect(denied([], { ...eth0, interfaceName: '*' })).toEqual(['ingress', 'egress']);
  });
});
