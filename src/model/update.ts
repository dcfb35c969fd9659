/** What a syncer tells, one change at a time: the seam between the datastore and all that follow it. */
import type { BGPConfiguration, BGPFilter, BGPPeer, CalicoNodeStatus } from './bgp.ts';
import type { HostEndpoint, NetworkSet, WorkloadEndpoint } from './endpoint.ts';
import type { Kind, ResourceId } from './id.ts';
import type { Policy, Profile, Tier } from './policy.ts';
import type { ClusterInformation, FelixConfiguration, IPAMBlock, IPPool, Node } from './settings.ts';

export interface Values {
  WorkloadEndpoint: WorkloadEndpoint;
  HostEndpoint: HostEndpoint;
  NetworkPolicy: Policy;
  GlobalNetworkPolicy: Policy;
  Profile: Profile;
  Tier: Tier;
  NetworkSet: NetworkSet;
  GlobalNetworkSet: NetworkSet;
  Node: Node;
  IPPool: IPPool;
  IPAMBlock: IPAMBlock;
  FelixConfiguration: FelixConfiguration;
  ClusterInformation: ClusterInformation;
  BGPConfiguration: BGPConfiguration;
  BGPPeer: BGPPeer;
  BGPFilter: BGPFilter;
  CalicoNodeStatus: CalicoNodeStatus;
}

/** Why a stored resource cannot be used. */
export interface Invalid {
  readonly code: string;
  readonly reason: string;
}

/**
 * One change. `value: null` says that the resource is gone.
 *
 * An invalid resource has `invalid`. Its value is then what stands in for it as long as no good value has been seen
 * since the start: for a policy, one that denies everything in its directions, over what it selects as far as that can be
 * read; null where nothing can be read. A consumer that holds a good value keeps that instead.
 */
export type Update<K extends Kind = Kind> = {
  [P in K]: { readonly id: ResourceId<P>; readonly value: Values[P] | null; readonly invalid?: Invalid };
}[K];

/**
 * `wait`: not connected yet, or the first list is under way. `in-sync`: everything that exists has been reported.
 * Later interruptions do not leave `in-sync`: the syncer reconnects, compares, and reports only what differs.
 */
export type SyncStatus = 'wait' | 'in-sync';

/** What a syncer feeds. Updates come in batches, in the datastore's order. */
export interface SyncerSink {
  onUpdates(updates: readonly Update[]): void;
  onStatus(status: SyncStatus): void;
}
