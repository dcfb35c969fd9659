/** Resources: their kinds, what people may write, and how they are stored. Pure. */
export { formatDuration, parseDuration } from './duration.ts';
export type { EntityRule } from './entity-rule.ts';
export { toJson } from './json.ts';
export { API_VERSION, type KindInfo, type Resource } from './kind.ts';
export type { BGPConfiguration } from './kinds/bgp-configuration.ts';
export type { BGPPeer } from './kinds/bgp-peer.ts';
export type { ClusterInformation } from './kinds/cluster-information.ts';
export type { FelixConfiguration } from './kinds/felix-configuration.ts';
export type { GlobalNetworkPolicy } from './kinds/global-network-policy.ts';
export type { GlobalNetworkSet } from './kinds/global-network-set.ts';
export type { HostEndpoint } from './kinds/host-endpoint.ts';
export type { IPPool } from './kinds/ip-pool.ts';
export type { NetworkPolicy } from './kinds/network-policy.ts';
export type { NetworkSet } from './kinds/network-set.ts';
export type { Node } from './kinds/node.ts';
export type { Profile } from './kinds/profile.ts';
export type { WorkloadEndpoint } from './kinds/workload-endpoint.ts';
export { KINDS, kindInfo, kindNames } from './kinds.ts';
export type { Metadata } from './metadata.ts';
export { nearMiss } from './near-miss.ts';
export type { Rule } from './rule.ts';
export { fromStored, inStoredOrder, toStored } from './stored.ts';
export { validate } from './validate.ts';
export {
  parseWorkloadEndpointName,
  type WorkloadEndpointIds,
  workloadEndpointName,
  workloadEndpointPrefix,
} from './workload-endpoint-name.ts';
