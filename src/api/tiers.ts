/** Tiers that exist in every datastore, whether or not they are written there. */

export interface BuiltInTier {
  readonly order: number;
  readonly defaultAction: 'Deny' | 'Pass';
}

/** Of the tier of policies that name none, and of tiers that are given no order. */
export const DEFAULT_TIER_ORDER = 1_000_000;
export const DEFAULT_TIER = 'default';

/** By name. */
export const BUILT_IN_TIERS: Readonly<Record<string, BuiltInTier>> = Object.assign(Object.create(null), {
  [DEFAULT_TIER]: { order: DEFAULT_TIER_ORDER, defaultAction: 'Deny' },
  'kube-admin': { order: 1_000, defaultAction: 'Pass' },
  'kube-baseline': { order: 10_000_000, defaultAction: 'Pass' },
});
