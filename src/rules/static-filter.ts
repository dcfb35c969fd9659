/** Chains of the filter table that depend on configuration only. */
import { cidrOf, type Family, ICMPV6, IPIP, type Ip, TCP, UDP } from '../net/index.ts';
import { ACCEPT, clearMark, deny, goTo, jump, RETURN, rule } from './build.ts';
import type { Action, Chain, Match, Rule, SideMatch } from './chain.ts';
import type { RulesConfig } from './config.ts';
import { DISPATCH } from './dispatch.ts';
import { failsafeChains } from './failsafe.ts';
import { forwardChains } from './forward.ts';
import { ALL_HOSTS, VXLAN_HOSTS } from './names.ts';
import type { DefaultRule, Origin } from './origin.ts';

const ACCEPTED: Match = { marked: ['accept'] };
const POLICY_ACCEPTED: Origin = { type: 'default', what: 'policy-accepted' };
const HOST_ACCEPTED = 'Host endpoint policy accepted packet.';

/** Multicast listener queries, reports and done; router and neighbour solicitation; neighbour advertisement. */
const ND_TYPES = [130, 131, 132, 133, 135, 136];

export function staticFilterChains(config: RulesConfig, family: Family): Chain[] {
  return [
    ...forwardChains(config, family, []),
    inputChain(config, family),
    outputChain(config, family),
    workloadToHostChain(config, family),
    ...failsafeChains('filter', config, family),
  ];
}

function inputChain(config: RulesConfig, family: Family): Chain {
  return {
    name: 'cali-INPUT',
    rules: [
      ...tunnelInput(config, family),
      ...config.interfacePrefixes.map((prefix) => rule({ inInterface: `${prefix}+` }, goTo('cali-wl-to-host'))),
      ...hostRules(config, DISPATCH.fromHost),
    ],
  };
}

function outputChain(config: RulesConfig, family: Family): Chain {
  const [already, ...host] = hostRules(config, DISPATCH.toHost);
  return {
    name: 'cali-OUTPUT',
    rules: [
      already as Rule,
      // A host always reaches its own workloads.
      ...config.interfacePrefixes.map((prefix) =>
        rule({ outInterface: `${prefix}+` }, RETURN, { type: 'default', what: 'host-to-workload' }),
      ),
      ...tunnelOutput(config, family),
      ...host,
    ],
  };
}

/** What the raw table's untracked policies accepted is accepted; then the host endpoints have their say. */
function hostRules(config: RulesConfig, dispatch: string): Rule[] {
  const allow: Action = { type: config.filterAllowAction };
  return [
    rule(ACCEPTED, allow, POLICY_ACCEPTED),
    rule({}, clearMark('accept', 'pass', 'scratch0', 'scratch1')),
    rule({}, jump(dispatch)),
    rule(ACCEPTED, allow, POLICY_ACCEPTED, HOST_ACCEPTED),
  ];
}

interface Tunnel {
  readonly name: 'IPIP' | 'VXLAN';
  readonly set: string;
  readonly match: (source: SideMatch, destination: SideMatch) => Match;
}

function tunnels({ ipip, vxlan, vxlanV6, vxlanPort }: RulesConfig, family: Family): Tunnel[] {
  const ports = [{ min: vxlanPort, max: vxlanPort }];
  return [
    ...(ipip && family === 4
      ? [
          {
            name: 'IPIP',
            set: ALL_HOSTS,
            match: (source, destination) => ({ protocol: IPIP, source, destination }),
          } satisfies Tunnel,
        ]
      : []),
    ...((family === 4 ? vxlan : vxlanV6)
      ? [
          {
            name: 'VXLAN',
            set: VXLAN_HOSTS,
            match: (source, destination) => ({ protocol: UDP, source, destination: { ports, ...destination } }),
          } satisfies Tunnel,
        ]
      : []),
  ];
}

const TUNNEL: Origin = { type: 'default', what: 'tunnel' };

/** Tunnel packets come from hosts of the cluster only: whoever could send others would be inside. */
function tunnelInput(config: RulesConfig, family: Family): Rule[] {
  return tunnels(config, family).flatMap(({ name, set, match }) => [
    rule(
      match({ sets: [set] }, { local: true }),
      { type: config.filterAllowAction },
      TUNNEL,
      `Allow ${name} packets from whitelisted hosts`,
    ),
    rule(
      match({}, { local: true }),
      deny(config.filterDenyAction),
      TUNNEL,
      `Drop ${name} packets from non-whitelisted hosts`,
    ),
  ]);
}

function tunnelOutput(config: RulesConfig, family: Family): Rule[] {
  return tunnels(config, family).map(({ name, set, match }) =>
    rule(
      match({ local: true }, { sets: [set] }),
      { type: config.filterAllowAction },
      TUNNEL,
      `Allow ${name} packets to other whitelisted hosts`,
    ),
  );
}

function workloadToHostChain(config: RulesConfig, family: Family): Chain {
  return {
    name: 'cali-wl-to-host',
    rules: [
      ...(family === 6 ? neighbourDiscovery() : []),
      ...(config.openstack ? openstackRules(config, family) : []),
      rule({}, jump(DISPATCH.fromWorkload)),
      rule(
        {},
        { type: config.endpointToHostAction },
        { type: 'default', what: 'endpoint-to-host' },
        'Configured DefaultEndpointToHostAction',
      ),
    ],
  };
}

function neighbourDiscovery(): Rule[] {
  return ND_TYPES.map((type) => allow({ protocol: ICMPV6, icmp: { type } }, 'neighbour-discovery'));
}

/** A VM has its address, its name server and its metadata from the host it runs on. */
function openstackRules({ metadata }: RulesConfig, family: Family): Rule[] {
  const [client, server] = family === 4 ? [68, 67] : [546, 547];
  return [
    ...(family === 4 && metadata ? [allow(metadataMatch(metadata), 'metadata')] : []),
    allow({ protocol: UDP, source: port(client), destination: port(server) }, 'dhcp'),
    allow({ protocol: UDP, destination: port(53) }, 'dns'),
  ];
}

function metadataMatch({ address, port: number }: { address: Ip; port: number }): Match {
  return { protocol: TCP, destination: { nets: [cidrOf(address)], ...port(number) } };
}

function allow(match: Match, what: DefaultRule): Rule {
  return rule(match, ACCEPT, { type: 'default', what });
}

function port(number: number): SideMatch {
  return { ports: [{ min: number, max: number }] };
}
