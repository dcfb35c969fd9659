/** All kinds of resources. */
import type { KindInfo } from './kind.ts';
import { bgpConfiguration } from './kinds/bgp-configuration.ts';
import { bgpFilter } from './kinds/bgp-filter.ts';
import { bgpPeer } from './kinds/bgp-peer.ts';
import { calicoNodeStatus } from './kinds/calico-node-status.ts';
import { clusterInformation } from './kinds/cluster-information.ts';
import { felixConfiguration } from './kinds/felix-configuration.ts';
import { globalNetworkPolicy } from './kinds/global-network-policy.ts';
import { globalNetworkSet } from './kinds/global-network-set.ts';
import { hostEndpoint } from './kinds/host-endpoint.ts';
import { ipPool } from './kinds/ip-pool.ts';
import { ipReservation } from './kinds/ip-reservation.ts';
import { blockAffinity, ipamBlock, ipamConfig, ipamHandle } from './kinds/ipam.ts';
import { ipamConfiguration } from './kinds/ipam-configuration.ts';
import { kubeControllersConfiguration } from './kinds/kube-controllers-configuration.ts';
import { liveMigration } from './kinds/live-migration.ts';
import { networkPolicy } from './kinds/network-policy.ts';
import { networkSet } from './kinds/network-set.ts';
import { node } from './kinds/node.ts';
import { profile } from './kinds/profile.ts';
import { stagedGlobalNetworkPolicy } from './kinds/staged-global-network-policy.ts';
import { stagedKubernetesNetworkPolicy } from './kinds/staged-kubernetes-network-policy.ts';
import { stagedNetworkPolicy } from './kinds/staged-network-policy.ts';
import { tier } from './kinds/tier.ts';
import { workloadEndpoint } from './kinds/workload-endpoint.ts';

const ALL: readonly KindInfo[] = [
  bgpConfiguration,
  bgpFilter,
  bgpPeer,
  blockAffinity,
  calicoNodeStatus,
  clusterInformation,
  felixConfiguration,
  globalNetworkPolicy,
  globalNetworkSet,
  hostEndpoint,
  ipPool,
  ipReservation,
  ipamBlock,
  ipamConfig,
  ipamConfiguration,
  ipamHandle,
  kubeControllersConfiguration,
  liveMigration,
  networkPolicy,
  networkSet,
  node,
  profile,
  stagedGlobalNetworkPolicy,
  stagedKubernetesNetworkPolicy,
  stagedNetworkPolicy,
  tier,
  workloadEndpoint,
];

/** By kind: `IPPool`, … */
export const KINDS: Readonly<Record<string, KindInfo>> = Object.assign(
  Object.create(null),
  Object.fromEntries(ALL.map((info) => [info.kind, info])),
);

const BY_NAME = new Map(
  ALL.filter(({ keeper }) => !keeper).flatMap((info) =>
    [info.kind.toLowerCase(), info.plural, ...info.aliases].map((name) => [name, info] as const),
  ),
);

/** The kind that people mean: kind, plural or short name, in any case. */
export function kindInfo(name: string): KindInfo | undefined {
  return BY_NAME.get(name.toLowerCase());
}

/** Every name of a kind that kindInfo knows. */
export function kindNames(): string[] {
  return [...BY_NAME.keys()];
}
