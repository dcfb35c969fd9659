/** Resources: their kinds, what people may write, and how they are stored. Pure. */
export { formatDuration, parseDuration } from './duration.ts';
export type { EntityRule } from './entityRule.ts';
export { API_VERSION, type KindInfo, type Resource } from './kind.ts';
export type { BGPConfiguration } from './kinds/bgpConfiguration.ts';
export type { BGPPeer } from './kinds/bgpPeer.ts';
export type { ClusterInformation } from './kinds/clusterInformation.ts';
export type { FelixConfiguration } from './kinds/felixConfiguration.ts';
export type { GlobalNetworkPolicy } from './kinds/globalNetworkPolicy.ts';
export type { GlobalNetworkSet } from './kinds/globalNetworkSet.ts';
export type { HostEndpoint } from './kinds/hostEndpoint.ts';
export type { IPPool } from './kinds/ipPool.ts';
export type { NetworkPolicy } from './kinds/networkPolicy.ts';
export type { NetworkSet } from './kinds/networkSet.ts';
export type { Node } from './kinds/node.ts';
export type { Profile } from './kinds/profile.ts';
export type { WorkloadEndpoint } from './kinds/workloadEndpoint.ts';
export { KINDS, kindInfo, kindNames } from './kinds.ts';
export type { Metadata } from './metadata.ts';
export { nearMiss } from './nearMiss.ts';
export type { Rule } from './rule.ts';
export { fromStored, toStored } from './stored.ts';
export { validate } from './validate.ts';
export {
  parseWorkloadEndpointName,
  type WorkloadEndpointIds,
  workloadEndpointName,
  workloadEndpointPrefix,
} from './workloadEndpointName.ts';
