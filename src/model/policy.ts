/** Policies, profiles and their rules; what the resources leave to defaults is filled in. */
import type { Cidr, Family, PortRange, Protocol } from '../net/index.ts';
import type { Labels, ResourceId } from './id.ts';

export type Direction = 'ingress' | 'egress';
export type RuleAction = 'allow' | 'deny' | 'log' | 'pass';

export interface NamedPort {
  readonly name: string;
}

export interface IcmpMatch {
  readonly type: number;
  readonly code?: number;
}

export interface HttpMatch {
  readonly methods?: readonly string[];
  readonly paths?: readonly { exact?: string; prefix?: string }[];
}

/**
 * One side of a rule. Empty lists and empty selectors match everything. The selector already includes what
 * namespaceSelector, serviceAccounts and the policy's own namespace contribute.
 */
export interface RuleEntity {
  readonly nets: readonly Cidr[];
  readonly notNets: readonly Cidr[];
  readonly selector: string;
  readonly notSelector: string;
  readonly ports: readonly (PortRange | NamedPort)[];
  readonly notPorts: readonly (PortRange | NamedPort)[];
}

export interface Rule {
  readonly action: RuleAction;
  readonly ipVersion?: Family;
  readonly protocol?: Protocol;
  readonly notProtocol?: Protocol;
  readonly icmp?: IcmpMatch;
  readonly notIcmp?: IcmpMatch;
  readonly source: RuleEntity;
  readonly destination: RuleEntity;
  readonly http?: HttpMatch;
  /** metadata.annotations of the rule. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Policy {
  readonly id: ResourceId<'NetworkPolicy' | 'GlobalNetworkPolicy'>;
  /** The name in the datastore (`default.p`, `knp.default.x`): chain names and the order of equals come from it. */
  readonly storedName: string;
  readonly tier: string;
  /** Policies without an order come last. */
  readonly order: number | null;
  /** Complete: namespace, namespaceSelector and serviceAccountSelector of the policy are part of it. */
  readonly selector: string;
  readonly types: readonly Direction[];
  readonly ingress: readonly Rule[];
  readonly egress: readonly Rule[];
  readonly doNotTrack: boolean;
  readonly preDNAT: boolean;
  readonly applyOnForward: boolean;
}

/** Policies of one tier are asked before those of the next. */
export interface Tier {
  readonly id: ResourceId<'Tier'>;
  /** Tiers without an order come last. */
  readonly order: number | null;
  /** What becomes of a packet that policies of the tier apply to and none decides: `pass` sends it to the next tier. */
  readonly defaultAction: 'deny' | 'pass';
}

export interface Profile {
  readonly id: ResourceId<'Profile'>;
  readonly labelsToApply: Labels;
  readonly ingress: readonly Rule[];
  readonly egress: readonly Rule[];
}
