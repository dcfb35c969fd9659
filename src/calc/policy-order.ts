/** What decides where a policy applies, and before which others: its rules are not part of it. */
import type { Direction, Policy } from '../model/index.ts';
import { compareTiers, type TierPlace } from './tiers.ts';

export interface PolicyPlace {
  readonly id: Policy['id'];
  readonly tier: TierPlace;
  /** Infinity when the policy has none: last. */
  readonly order: number;
  /** Decides between equal orders: the stored name, after the namespace where there is one. */
  readonly sortName: string;
  readonly directions: readonly Direction[];
  readonly role: PolicyRole;
}

/** `forward`: a normal policy that polices what a host endpoint forwards as well. */
export type PolicyRole = 'normal' | 'forward' | 'untracked' | 'pre-dnat';

const DIRECTIONS: readonly Direction[] = ['ingress', 'egress'];

export function placeOf(policy: Policy, tier: TierPlace): PolicyPlace {
  const { id, order, storedName, types } = policy;
  const role = roleOf(policy);
  return {
    id,
    tier,
    order: order ?? Number.POSITIVE_INFINITY,
    sortName: id.namespace === undefined ? storedName : `${id.namespace}/${storedName}`,
    // Before DNAT there is only what comes in.
    directions: DIRECTIONS.filter((d) => types.includes(d) && !(role === 'pre-dnat' && d === 'egress')),
    role,
  };
}

function roleOf({ doNotTrack, preDNAT, applyOnForward }: Policy): PolicyRole {
  if (doNotTrack) return 'untracked';
  if (preDNAT) return 'pre-dnat';
  return applyOnForward ? 'forward' : 'normal';
}

/** By tier, in the order of tiers; in a tier by order, and of equal order by name. */
export function comparePlaces(a: PolicyPlace, b: PolicyPlace): number {
  if (a.tier !== b.tier) return compareTiers(a.tier, b.tier);
  if (a.order !== b.order) return a.order < b.order ? -1 : 1;
  if (a.sortName !== b.sortName) return a.sortName < b.sortName ? -1 : 1;
  return 0;
}

export function samePlace(a: PolicyPlace, b: PolicyPlace): boolean {
  return a.tier === b.tier && comparePlaces(a, b) === 0 && a.role === b.role && `${a.directions}` === `${b.directions}`;
}
