/** How hosts speak BGP: settings, peers, filters, and who wants to know how it goes. */
import type { Cidr, Ip } from '../net/index.ts';
import type { ResourceId } from './id.ts';

/** A password's place: a key of a Secret. */
export interface SecretRef {
  readonly name: string;
  readonly key: string;
  /** Without it there is no password; otherwise there is no session. */
  readonly optional: boolean;
}

/** Two numbers of 16 bits (standard) or three of 32 (large). */
export type Community = readonly number[];

/** Which BGP routes of a pool's addresses BIRD writes to the kernel; `all` unless said otherwise. */
export type ProgrammedRoutes = 'all' | 'none' | 'ipip' | 'unencapsulated';

/** `default` or `node.<name>`; unset fields are absent. */
export interface BGPConfiguration {
  readonly id: ResourceId<'BGPConfiguration'>;
  readonly asNumber?: number;
  readonly nodeToNodeMeshEnabled?: boolean;
  readonly nodeMeshPassword?: SecretRef;
  /** Seconds, as all times here. */
  readonly nodeMeshMaxRestartTime?: number;
  readonly logSeverityScreen?: string;
  readonly listenPort?: number;
  /** Listen on the node's own addresses only. */
  readonly bindToNodeIp?: boolean;
  readonly serviceClusterIps: readonly Cidr[];
  readonly serviceExternalIps: readonly Cidr[];
  readonly serviceLoadBalancerIps: readonly Cidr[];
  /** Names of communities. */
  readonly communities?: ReadonlyMap<string, Community>;
  /** Routes within the prefix get these communities: values, or names of `communities`. */
  readonly prefixAdvertisements?: readonly { readonly cidr: Cidr; readonly communities: readonly string[] }[];
  /** Patterns of interfaces whose networks BIRD does not look at. */
  readonly ignoredInterfaces?: readonly string[];
  readonly programClusterRoutes?: ProgrammedRoutes;
  /** The metric of BIRD's routes in the kernel. */
  readonly ipv4RoutePriority?: number;
  readonly ipv6RoutePriority?: number;
  /** Failures of the mesh's sessions are found by BFD. */
  readonly bfd?: boolean;
}

export interface BGPPeer {
  readonly id: ResourceId<'BGPPeer'>;
  /** One node by name, or nodes by selector; neither: every node. */
  readonly node?: string;
  readonly nodeSelector?: string;
  /** A router by address and AS number, or nodes of this cluster by selector. */
  readonly peerIp?: Ip;
  readonly peerPort?: number;
  readonly asNumber?: number;
  readonly peerSelector?: string;
  /** Workloads that speak BGP with their own host. */
  readonly localWorkloadSelector?: string;
  /** The AS number that the nodes use with this peer. */
  readonly localAsNumber?: number;
  /** Absent: as BGP has it. */
  readonly nextHop?: 'self' | 'keep';
  readonly password?: SecretRef;
  /** The kernel chooses the source address. */
  readonly anySource?: boolean;
  readonly maxRestartTime?: number;
  readonly keepaliveTime?: number;
  /** How often this AS may stand in the path of a route that is taken. */
  readonly allowedLocalAs?: number;
  /** Routers between, plus one; packets that came over more are dropped. */
  readonly ttlSecurity?: number;
  /** The peer's address is reached by this gateway. */
  readonly reachableBy?: Ip;
  /** Names of BGPFilters, in order. */
  readonly filters?: readonly string[];
  /** Nodes that the peerSelector selects do not get the session by themselves. */
  readonly oneWay?: boolean;
  readonly bfd?: boolean;
}

/** All that is given must hold. */
export interface BGPFilterRule {
  readonly accept: boolean;
  readonly cidr?: Cidr;
  readonly operator?: 'equal' | 'not-equal' | 'in' | 'not-in';
  readonly minLength?: number;
  readonly maxLength?: number;
  /** Only what peers told. */
  readonly fromPeers?: boolean;
  /** `*` stands for anything. */
  readonly interface?: string;
  readonly peerType?: 'ebgp' | 'ibgp';
  readonly community?: Community;
  /** What the path begins with. */
  readonly asPath?: readonly number[];
  readonly priority?: number;
  readonly operations: readonly BGPFilterOperation[];
}

export type BGPFilterOperation =
  | { readonly type: 'add-community'; readonly community: Community }
  | { readonly type: 'prepend'; readonly asNumbers: readonly number[] }
  | { readonly type: 'set-priority'; readonly priority: number };

/** The first rule that a route meets decides. */
export interface BGPFilter {
  readonly id: ResourceId<'BGPFilter'>;
  readonly export4: readonly BGPFilterRule[];
  readonly import4: readonly BGPFilterRule[];
  readonly export6: readonly BGPFilterRule[];
  readonly import6: readonly BGPFilterRule[];
}

/** Whoever made it wants the node to write down how its BGP does. */
export interface CalicoNodeStatus {
  readonly id: ResourceId<'CalicoNodeStatus'>;
  readonly node: string;
  readonly classes: readonly string[];
  /** Seconds; zero: never (again). */
  readonly updatePeriod: number;
}
