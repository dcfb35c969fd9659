/**
 * What calc tells the dataplane of one host: the dataplane updates.
 *
 * The order in which the sequencer emits them is safe to apply one by one: a set before the policy that names it, a
 * policy or profile before the endpoint that uses it, and removals the other way round.
 */
import type {
  Direction,
  HostEndpoint,
  HttpMatch,
  IcmpMatch,
  IPPool,
  Node,
  Policy,
  ResourceId,
  RuleAction,
  WorkloadEndpoint,
} from '../model/index.ts';
import type { Cidr, Family, Ip, PortRange, Protocol } from '../net/index.ts';

/** `s:…` for the addresses of a selector, `n:…` for a named port of a selector (names as upstream's). */
export type SetId = string;

/** `net`: members are prefixes. `ip,port`: members are `10.0.0.1,tcp:80` (IPv6 alike: `fd00::1,udp:53`). */
export type SetType = 'net' | 'ip,port';
export type SetMember = string;

export interface ActiveEntity {
  readonly nets: readonly Cidr[];
  readonly notNets: readonly Cidr[];
  /** In all of these sets. */
  readonly sets: readonly SetId[];
  /** In none of these sets. */
  readonly notSets: readonly SetId[];
  /** One of these ranges or one of these named-port sets (`ip,port`); both empty: any port. */
  readonly ports: readonly PortRange[];
  readonly portSets: readonly SetId[];
  readonly notPorts: readonly PortRange[];
  readonly notPortSets: readonly SetId[];
}

/** A rule of the model with its selectors and named ports turned into sets. */
export interface ActiveRule {
  readonly action: RuleAction;
  readonly ipVersion?: Family;
  readonly protocol?: Protocol;
  readonly notProtocol?: Protocol;
  readonly icmp?: IcmpMatch;
  readonly notIcmp?: IcmpMatch;
  readonly source: ActiveEntity;
  readonly destination: ActiveEntity;
  readonly http?: HttpMatch;
}

/** The rules are in the order of the resource: the index in the list is the rule's number, from 0. */
export interface ActivePolicy {
  readonly id: Policy['id'];
  readonly storedName: string;
  readonly tier: string;
  readonly doNotTrack: boolean;
  readonly preDNAT: boolean;
  readonly ingress: readonly ActiveRule[];
  readonly egress: readonly ActiveRule[];
}

export interface ActiveProfile {
  readonly name: string;
  readonly ingress: readonly ActiveRule[];
  readonly egress: readonly ActiveRule[];
}

/** The policies of one tier that apply to one endpoint, in their order, by direction. A tier without any is left out. */
export interface TierPolicies extends Readonly<Record<Direction, readonly Policy['id'][]>> {
  readonly tier: string;
  /** What no policy of the tier has decided goes on to the next tier; else it is denied. */
  readonly passes?: true;
}

export interface LocalWorkload {
  readonly endpoint: WorkloadEndpoint;
  readonly tiers: readonly TierPolicies[];
}

export interface LocalHostEndpoint {
  readonly endpoint: HostEndpoint;
  /** To and from the host itself. */
  readonly tiers: readonly TierPolicies[];
  /** applyOnForward policies: forwarded traffic. */
  readonly forward: readonly TierPolicies[];
  readonly untracked: readonly TierPolicies[];
  readonly preDnat: readonly TierPolicies[];
}

/** A node's end of the VXLAN tunnels of one family. */
export interface Vtep {
  readonly node: string;
  readonly family: Family;
  /** It is this host's. */
  readonly local: boolean;
  /** The node's own address, between which and others' the encapsulated packets go. */
  readonly host: Ip;
  /** Within the tunnel. */
  readonly address: Ip;
  readonly mac: string;
}

/** How packets get to another host; `direct`: the hosts are in one subnet, so that none need be encapsulated. */
export type Way = 'vxlan' | 'ipip' | 'direct';

/** To workloads of another host. */
export interface RemoteRoute {
  readonly dst: Cidr;
  readonly way: Way;
  /** The other node's address; of VXLAN, its address within the tunnel. */
  readonly gateway: Ip;
}

export type DataplaneUpdate =
  | {
      readonly type: 'config';
      readonly global: Readonly<Record<string, string>>;
      readonly node: Readonly<Record<string, string>>;
    }
  | { readonly type: 'set'; readonly id: SetId; readonly setType: SetType; readonly members: ReadonlySet<SetMember> }
  | {
      readonly type: 'set-delta';
      readonly id: SetId;
      readonly added: readonly SetMember[];
      readonly removed: readonly SetMember[];
    }
  | { readonly type: 'set-gone'; readonly id: SetId }
  | { readonly type: 'policy'; readonly policy: ActivePolicy }
  | { readonly type: 'policy-gone'; readonly id: Policy['id'] }
  | { readonly type: 'profile'; readonly profile: ActiveProfile }
  | { readonly type: 'profile-gone'; readonly name: string }
  | { readonly type: 'workload'; readonly workload: LocalWorkload }
  | { readonly type: 'workload-gone'; readonly id: ResourceId<'WorkloadEndpoint'> }
  | { readonly type: 'host-endpoint'; readonly hostEndpoint: LocalHostEndpoint }
  | { readonly type: 'host-endpoint-gone'; readonly id: ResourceId<'HostEndpoint'> }
  | { readonly type: 'pool'; readonly pool: IPPool }
  | { readonly type: 'pool-gone'; readonly id: ResourceId<'IPPool'> }
  /** `local`: it is this host's. */
  | { readonly type: 'node'; readonly node: Node; readonly local: boolean }
  | { readonly type: 'node-gone'; readonly id: ResourceId<'Node'>; readonly local: boolean }
  | { readonly type: 'vtep'; readonly vtep: Vtep }
  | { readonly type: 'vtep-gone'; readonly node: string; readonly family: Family }
  | { readonly type: 'route'; readonly route: RemoteRoute }
  | { readonly type: 'route-gone'; readonly dst: Cidr }
  /** All prefixes of services that hosts advertise: what is to be forwarded there goes in circles. */
  | { readonly type: 'service-prefixes'; readonly prefixes: readonly Cidr[] }
  /** After it, everything that exists has been told: what the kernel has beyond it may go. Comes once. */
  | { readonly type: 'in-sync' };
