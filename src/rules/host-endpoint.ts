/** Chains of a host endpoint on one interface: filter, raw (doNotTrack policies) and mangle (preDNAT policies). */
import type { LocalHostEndpoint, TierPolicies } from '../calc/output.ts';
import { idKey } from '../model/index.ts';
import type { Ip } from '../net/index.ts';
import type { Chain } from './chain.ts';
import type { RulesConfig } from './config.ts';
import { type EndpointChainSpec, endpointChain, type StoredNames } from './endpoint.ts';
import { FAILSAFE_CHAINS } from './failsafe.ts';
import { ANY_INTERFACE, type EndpointChain, endpointChainName } from './names.ts';

export interface HostEndpointChains {
  readonly filter: readonly Chain[];
  /** Empty without doNotTrack policies. */
  readonly raw: readonly Chain[];
  /** Empty without preDNAT policies. */
  readonly mangle: readonly Chain[];
}

/** `interfaceName` is `*` for the endpoint that stands for every interface. The same for both families. */
export function hostEndpointChains(
  host: LocalHostEndpoint,
  interfaceName: string,
  storedName: StoredNames,
  config: RulesConfig,
): HostEndpointChains {
  const chain = (name: EndpointChain, tiers: readonly TierPolicies[], part: Part): Chain => {
    const subject = interfaceName === '*' ? ANY_INTERFACE : interfaceName;
    return endpointChain(
      { name: endpointChainName(name, subject), ...sideOf(name, host), tiers, ...part },
      storedName,
      config,
    );
  };
  const { normal, forward, untracked, preDnat } = partsOf(config);
  return {
    filter: [
      chain('toHost', host.tiers, normal),
      chain('fromHost', host.tiers, normal),
      chain('toHostForward', host.forward, forward),
      chain('fromHostForward', host.forward, forward),
    ],
    raw: hasPolicies(host.untracked)
      ? [chain('toHost', host.untracked, untracked), chain('fromHost', host.untracked, untracked)]
      : [],
    mangle: hasPolicies(host.preDnat) ? [chain('fromHost', host.preDnat, preDnat)] : [],
  };
}

type Part = Pick<EndpointChainSpec, 'kind' | 'allow' | 'deny'>;

function partsOf(config: RulesConfig): Record<'normal' | 'forward' | 'untracked' | 'preDnat', Part> {
  const filter = { allow: config.filterAllowAction, deny: config.filterDenyAction };
  return {
    normal: { kind: 'normal', ...filter },
    forward: { kind: 'forward', ...filter },
    untracked: { kind: 'untracked', allow: 'accept', deny: 'drop' },
    preDnat: { kind: 'pre-dnat', allow: config.mangleAllowAction, deny: 'drop' },
  };
}

/** What is forwarded is none of the host's own services: no failsafe ports. */
function sideOf(name: EndpointChain, { endpoint: { id, profiles } }: LocalHostEndpoint) {
  const direction = name.startsWith('from') ? 'ingress' : 'egress';
  const failsafe = name.endsWith('Forward') ? {} : { failsafe: FAILSAFE_CHAINS[direction] };
  return { endpoint: id, profiles, direction, dropEncapsulated: false, ...failsafe } as const;
}

function hasPolicies(tiers: readonly TierPolicies[]): boolean {
  return tiers.some((tier) => tier.ingress.length + tier.egress.length > 0);
}

/**
 * Which host endpoint each interface has: the one that names it or expects one of its addresses; of several, the one whose
 * name is first. The key `*` is the endpoint for every interface, for those that have none of their own.
 */
export function resolveHostEndpoints(
  endpoints: Iterable<LocalHostEndpoint>,
  interfaces: ReadonlyMap<string, readonly Ip[]>,
): Map<string, LocalHostEndpoint> {
  const sorted = [...endpoints].toSorted((a, b) => (idKey(a.endpoint.id) < idKey(b.endpoint.id) ? -1 : 1));
  const found = new Map<string, LocalHostEndpoint>();
  for (const host of sorted) {
    for (const name of interfacesOf(host, interfaces)) if (!found.has(name)) found.set(name, host);
  }
  return found;
}

function interfacesOf({ endpoint }: LocalHostEndpoint, interfaces: ReadonlyMap<string, readonly Ip[]>): string[] {
  if (endpoint.interfaceName !== '') return [endpoint.interfaceName];
  const expected = new Set(endpoint.expectedIps);
  return [...interfaces].filter(([, ips]) => ips.some((address) => expected.has(address))).map(([name]) => name);
}
