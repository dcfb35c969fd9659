/** Every policy that selects an endpoint, in the order in which they speak, with what each of their rules does. */
import type { TierPolicies } from '../../calc/index.ts';
import { CalicoError } from '../../errors/index.ts';
import {
  type Direction,
  idKey,
  idText,
  type Policy,
  type Profile,
  type ResourceId,
  type Update,
} from '../../model/index.ts';
import { describeRule } from './describe-rule.ts';
import type { Place } from './place.ts';
import { type ConfigOf, SimulatedHost } from './simulated-host.ts';
import { unusableText } from './unusable.ts';

export interface ListedPolicy {
  readonly id: ResourceId;
  /** Absent for profiles. */
  readonly tier?: string;
  readonly order?: number | null;
  readonly rules: readonly string[];
  /** Why it cannot be used as it is stored; what denies stands in for it. */
  readonly unusable?: string;
}

export interface Listing {
  readonly endpoint: ResourceId;
  readonly direction: Direction;
  /** `forwarded` has the applyOnForward policies of a host endpoint. */
  readonly traffic: 'own' | 'forwarded' | 'untracked' | 'before DNAT';
  readonly policies: readonly ListedPolicy[];
  /** Where policies apply, these are asked only about what a policy passes on. */
  readonly profiles: readonly ListedPolicy[];
}

/** E_USAGE for an address outside the cluster. A node without host endpoints has no listing. */
export function listPolicies(place: Place, updates: readonly Update[], configOf: ConfigOf): Listing[] {
  if (place.node === undefined)
    throw new CalicoError('E_USAGE', place.text, 'is outside the cluster: no policy selects it');
  const { state } = new SimulatedHost(place.node, updates, configOf);
  const stored = new Map(updates.map((update) => [idKey(update.id), update]));
  const list = (
    endpoint: { id: ResourceId; profiles: readonly string[] },
    traffic: Listing['traffic'],
    tiers: readonly TierPolicies[],
  ): Listing[] =>
    (['ingress', 'egress'] as const).map((direction) => ({
      endpoint: endpoint.id,
      direction,
      traffic,
      policies: tiers.flatMap((tier) => tier[direction].map((id) => listed(id, stored.get(idKey(id)), direction))),
      profiles: endpoint.profiles.map((name) => {
        const id = { kind: 'Profile', name } as const;
        return listed(id, stored.get(idKey(id)), direction);
      }),
    }));
  if (place.workload) {
    const local = state.workloads.get(idKey(place.workload.id));
    return local ? list(local.endpoint, 'own', local.tiers) : [];
  }
  return [...state.hostEndpoints.values()].flatMap((host) => [
    ...list(host.endpoint, 'own', host.tiers),
    ...list({ ...host.endpoint, profiles: [] }, 'forwarded', host.forward),
    ...list({ ...host.endpoint, profiles: [] }, 'untracked', host.untracked).filter(isUsed),
    ...list({ ...host.endpoint, profiles: [] }, 'before DNAT', host.preDnat).filter(isUsed),
  ]);
}

function isUsed({ policies }: Listing): boolean {
  return policies.length > 0;
}

function listed(id: ResourceId, update: Update | undefined, direction: Direction): ListedPolicy {
  const unusable = update?.invalid?.reason;
  const known = update?.value as Policy | Profile | null | undefined;
  const rules = known?.[direction].map(describeRule) ?? [];
  const common = { id, rules, ...(unusable !== undefined && { unusable }) };
  return known && 'tier' in known ? { ...common, tier: known.tier, order: known.order } : common;
}

export function listingText(place: Place, listings: readonly Listing[]): string {
  if (listings.length === 0) return `${place.text} has no endpoint: no policy selects it`;
  return listings.map(oneText).join('\n\n');
}

function oneText({ endpoint, direction, traffic, policies, profiles }: Listing): string {
  const lines = [`${idText(endpoint)}, ${direction}${traffic === 'own' ? '' : ` (${traffic})`}`];
  let tier: string | undefined;
  for (const policy of policies) {
    if (policy.tier !== tier) lines.push(`  tier ${policy.tier}`);
    tier = policy.tier;
    lines.push(`    ${idText(policy.id)}, order ${policy.order ?? 'none'}`, ...ruleLines(policy));
  }
  if (policies.length === 0) lines.push('  no policy');
  const when = policies.length > 0 ? ' (for what a policy passes on)' : '';
  for (const profile of profiles) lines.push(`  ${idText(profile.id)}${when}`, ...ruleLines(profile));
  return lines.join('\n');
}

function ruleLines({ id, rules, unusable }: ListedPolicy): string[] {
  if (unusable !== undefined) return [`      ${unusableText({ id, reason: unusable })}`];
  return rules.length === 0 ? ['      no rules'] : rules.map((rule, index) => `      ${index}. ${rule}`);
}
