/** All kinds of resources. */
import type { KindInfo } from './kind.ts';
import { bgpConfiguration } from './kinds/bgpConfiguration.ts';
import { bgpPeer } from './kinds/bgpPeer.ts';
import { clusterInformation } from './kinds/clusterInformation.ts';
import { felixConfiguration } from './kinds/felixConfiguration.ts';
import { globalNetworkPolicy } from './kinds/globalNetworkPolicy.ts';
import { globalNetworkSet } from './kinds/globalNetworkSet.ts';
import { hostEndpoint } from './kinds/hostEndpoint.ts';
import { ipPool } from './kinds/ipPool.ts';
import { networkPolicy } from './kinds/networkPolicy.ts';
import { networkSet } from './kinds/networkSet.ts';
import { node } from './kinds/node.ts';
import { profile } from './kinds/profile.ts';
import { workloadEndpoint } from './kinds/workloadEndpoint.ts';

const ALL: readonly KindInfo[] = [
  bgpConfiguration,
  bgpPeer,
  clusterInformation,
  felixConfiguration,
  globalNetworkPolicy,
  globalNetworkSet,
  hostEndpoint,
  ipPool,
  networkPolicy,
  networkSet,
  node,
  profile,
  workloadEndpoint,
];

/** By kind: `IPPool`, … */
export const KINDS: Readonly<Record<string, KindInfo>> = Object.fromEntries(ALL.map((info) => [info.kind, info]));

const BY_NAME = new Map(
  ALL.flatMap((info) => [info.kind.toLowerCase(), info.plural, ...info.aliases].map((name) => [name, info] as const)),
);

/** The kind of that name: kind, plural or short name, in any case. */
export function kindInfo(name: string): KindInfo | undefined {
  return BY_NAME.get(name.toLowerCase());
}

/** Every name of a kind that kindInfo knows. */
export function kindNames(): string[] {
  return [...BY_NAME.keys()];
}
