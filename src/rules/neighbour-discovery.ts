/**
 * IPv6 hosts find each other by ICMPv6, which failsafe ports say nothing about: a host endpoint whose policy does not allow it
 * cuts its interface off.
 */
import type { ActivePolicy, ActiveProfile, LocalHostEndpoint, TierPolicies } from '../calc/output.ts';
import type { Direction, Policy } from '../model/index.ts';
import { ICMPV6, ip } from '../net/index.ts';
import type { Chain } from './chain.ts';
import type { RulesConfig } from './config.ts';
import { failsafeChains } from './failsafe.ts';
import { hostEndpointChains } from './host-endpoint.ts';
import { type InFlight, matches } from './matches.ts';
import { ANY_INTERFACE, endpointChainName } from './names.ts';
import type { World } from './packet.ts';
import { beforeFilter, policyChains, profileChains } from './policy.ts';
import { walk } from './walk.ts';

export interface PolicySource {
  policy(id: Policy['id']): ActivePolicy | undefined;
  profile(name: string): ActiveProfile | undefined;
}

const SOLICITATION = { icmpType: 135, source: ip('fe80::1'), destination: ip('ff02::1:ff00:2') };
const ADVERTISEMENT = { icmpType: 136, source: ip('fe80::2'), destination: ip('fe80::1') };
/** Sets are of addresses that are known: none of them a neighbour's. */
const NOWHERE: World = { inSet: () => false, isLocal: () => false, route: () => null };

/** The directions in which solicitations or advertisements of any neighbour would be denied. */
export function neighboursDenied(
  host: LocalHostEndpoint,
  interfaceName: string,
  source: PolicySource,
  config: RulesConfig,
): Direction[] {
  const tables = { raw: chainsOf('raw', host, source, config), filter: chainsOf('filter', host, source, config) };
  const own = hostEndpointChains(host, interfaceName, (id) => source.policy(id)?.storedName ?? id.name, config);
  const subject = interfaceName === '*' ? ANY_INTERFACE : interfaceName;
  const denied = (direction: Direction) => {
    const name = endpointChainName(direction === 'ingress' ? 'fromHost' : 'toHost', subject);
    return [SOLICITATION, ADVERTISEMENT].some((what) => {
      const packet = packetOf(what);
      return (['raw', 'filter'] as const).some((table) => {
        const start = own[table].find((chain) => chain.name === name);
        return start && !packet.marks.has('accept') && dropped(start, tables[table], packet);
      });
    });
  };
  return (['ingress', 'egress'] as const).filter(denied);
}

function packetOf(what: typeof SOLICITATION): InFlight {
  return { family: 6, protocol: ICMPV6, icmpCode: 0, conntrack: 'UNTRACKED', marks: new Set(), ...what };
}

function dropped(start: Chain, chains: ReadonlyMap<string, Chain>, packet: InFlight): boolean {
  const outcome = walk(start, { chains, packet, matches: (match) => matches(match, packet, NOWHERE), met: () => {} });
  return outcome === 'drop' || outcome === 'reject';
}

/** What the endpoint's chains of one table lead to. */
function chainsOf(
  table: 'raw' | 'filter',
  host: LocalHostEndpoint,
  source: PolicySource,
  config: RulesConfig,
): Map<string, Chain> {
  const of = table === 'raw' ? beforeFilter(config) : config;
  const policies = idsOf(table === 'raw' ? host.untracked : host.tiers).map((id) => source.policy(id));
  const profiles = host.endpoint.profiles.map((name) => source.profile(name));
  const chains = [
    ...failsafeChains(table, config, 6),
    ...policies.flatMap((policy) => (policy ? policyChains(policy, 6, of) : [])),
    ...profiles.flatMap((profile) => (profile ? profileChains(profile, 6, of) : [])),
  ];
  return new Map(chains.map((chain) => [chain.name, chain]));
}

function idsOf(tiers: readonly TierPolicies[]): Policy['id'][] {
  return tiers.flatMap(({ ingress, egress }) => [...ingress, ...egress]);
}
