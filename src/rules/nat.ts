/** Chains of the nat table: floating IPs, NAT-outgoing, the metadata service, tunnel addresses. */
import { cidr, cidrOf, type Family, familyOf, type Ip, type Protocol, TCP, TUNNEL_DEVICES, UDP } from '../net/index.ts';
import { jump, RETURN, rule } from './build.ts';
import type { Action, Chain, Match, Rule } from './chain.ts';
import type { RulesConfig } from './config.ts';
import { ALL_HOSTS, ALL_POOLS, MASQUERADED_POOLS } from './names.ts';
import type { Origin } from './origin.ts';

const FIP_DNAT = 'cali-fip-dnat';
const FIP_SNAT = 'cali-fip-snat';
const NAT_OUTGOING = 'cali-nat-outgoing';

export interface FloatingIp {
  readonly external: Ip;
  readonly internal: Ip;
}

export function staticNatChains(config: RulesConfig, family: Family): Chain[] {
  return [
    {
      name: 'cali-PREROUTING',
      rules: [rule({}, jump(FIP_DNAT)), ...(family === 4 ? metadataRules(config) : [])],
    },
    { name: 'cali-OUTPUT', rules: [rule({}, jump(FIP_DNAT))] },
    {
      name: 'cali-POSTROUTING',
      rules: [rule({}, jump(FIP_SNAT)), rule({}, jump(NAT_OUTGOING)), ...tunnelAddressRules(config, family)],
    },
  ];
}

function metadataRules({ openstack, metadata }: RulesConfig): Rule[] {
  if (!openstack || !metadata) return [];
  const destination = { nets: [cidr('169.254.169.254/32')], ports: [{ min: 80, max: 80 }] };
  const action: Action = { type: 'dnat', to: metadata.address, port: metadata.port };
  return [rule({ protocol: TCP, destination }, action, { type: 'default', what: 'metadata' })];
}

/** The host's own packets into a tunnel, when they would have another interface's address, get the tunnel's. */
function tunnelAddressRules({ addressedTunnels }: RulesConfig, family: Family): Rule[] {
  const origin: Origin = { type: 'default', what: 'tunnel-address' };
  const source = { local: true, localToOutInterface: false };
  return addressedTunnels
    .filter((tunnel) => tunnel.endsWith(String(family)))
    .map((tunnel) => rule({ outInterface: TUNNEL_DEVICES[tunnel], source }, { type: 'masquerade' }, origin));
}

/** `active`: some pool of the family has natOutgoing. */
export function natOutgoingChain(active: boolean, config: RulesConfig, family: Family): Chain {
  return { name: NAT_OUTGOING, rules: active ? natOutgoingRules(config, family) : [] };
}

function natOutgoingRules(config: RulesConfig, family: Family): Rule[] {
  const origin: Origin = { type: 'default', what: 'nat-outgoing' };
  const { natPortRange, natOutgoingInterface } = config;
  const match: Match = {
    ...(natOutgoingInterface !== undefined && { outInterface: natOutgoingInterface }),
    source: { sets: [MASQUERADED_POOLS] },
    destination: { notSets: [ALL_POOLS, ...(config.natOutgoingExcludesHosts ? [ALL_HOSTS] : [])] },
  };
  // The one address that can be configured is of one family; the other's packets get their interface's.
  const address = config.natOutgoingAddress;
  const natOutgoingAddress = address !== undefined && familyOf(address) === family ? address : undefined;
  const translate = (action: Action, protocol?: Protocol) =>
    rule({ ...(protocol !== undefined && { protocol }), ...match }, action, origin);
  const plain: Action = natOutgoingAddress ? { type: 'snat', to: natOutgoingAddress } : { type: 'masquerade' };
  if (!natPortRange) return [translate(plain)];
  // Only TCP and UDP have ports to choose.
  const ranged: Action = natOutgoingAddress
    ? { type: 'snat', to: natOutgoingAddress, ports: natPortRange }
    : { type: 'masquerade', ports: natPortRange };
  return [TCP, UDP]
    .flatMap((protocol) => [translate(ranged, protocol), translate(RETURN, protocol)])
    .concat(translate(plain));
}

/**
 * Two chains: from the floating to the fixed address; and where a workload talks to itself by its floating address, from the
 * fixed one to the (first) floating one. Other outgoing traffic keeps its address.
 */
export function floatingIpChains(ips: Iterable<FloatingIp>, family: Family): Chain[] {
  const origin: Origin = { type: 'default', what: 'floating-ip' };
  const byExternal = new Map<Ip, Ip>();
  for (const { external, internal } of ips) if (familyOf(external) === family) byExternal.set(external, internal);
  const sorted = [...byExternal].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const firstExternal = new Map(sorted.toReversed().map(([external, internal]) => [internal, external]));
  return [
    {
      name: FIP_DNAT,
      rules: sorted.map(([external, internal]) =>
        rule({ destination: { nets: [cidrOf(external)] } }, { type: 'dnat', to: internal }, origin),
      ),
    },
    {
      name: FIP_SNAT,
      rules: [...firstExternal]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([internal, external]) => {
          const itself = { nets: [cidrOf(internal)] };
          return rule({ source: itself, destination: itself }, { type: 'snat', to: external }, origin);
        }),
    },
  ];
}
