/** What policies have in common: NetworkPolicy, GlobalNetworkPolicy, and both staged. */
import * as z from 'zod';
import { list, numberOrUnset, omitted, text } from './fields.ts';
import * as formats from './formats.ts';
import type { Resource } from './kind.ts';
import { FOREIGN_POLICY } from './kind-names.ts';
import { dropEmptySides, type NewerForm, newer } from './newer.ts';
import { keepOriginalName } from './original-name.ts';
import type { Report } from './report.ts';
import { egressRule, ingressRule } from './rule.ts';
import { selector } from './selector-field.ts';
import { DEFAULT_TIER } from './tiers.ts';

const TYPES = ['Ingress', 'Egress'] as const;
const TIER_LABEL = 'projectcalico.org/tier';
type PolicyType = (typeof TYPES)[number];

/** Fields before and after those that only one of the two kinds has, in stored order. */
export const policyHead = () => ({
  ...newer({ tier: text(formats.name) }),
  order: numberOrUnset(),
  ingress: list(ingressRule()),
  egress: list(egressRule()),
  selector: selector(),
  types: list(z.enum(TYPES)),
});
export const policyTail = () => ({ serviceAccountSelector: selector() });
export const performanceHints = () =>
  newer({
    performanceHints: omitted(
      z.array(z.enum(['AssumeNeededOnEveryNode'])).max(1, 'must not repeat a hint'),
      (value) => Array.isArray(value) && value.length === 0,
    ),
  });

interface PolicySpec {
  tier?: string | undefined;
  ingress?: unknown[] | undefined;
  egress?: unknown[] | undefined;
  types?: PolicyType[] | undefined;
}

/** A policy without types has those of its rules, and Ingress when it has none. */
export function defaultTypes({ ingress, egress }: PolicySpec): PolicyType[] {
  if (!egress) return ['Ingress'];
  return ingress ? ['Ingress', 'Egress'] : ['Egress'];
}

/** `foreign`: may the name be one that an orchestrator gave? */
export function checkPolicy(name: string, spec: PolicySpec, foreign: boolean, report: Report): void {
  const problem = foreign && FOREIGN_POLICY.test(name) ? formats.name(name) : formats.policyName(name);
  if (problem) report(['metadata', 'name'], problem);
  for (const type of TYPES)
    if ((spec.types ?? []).filter((t) => t === type).length > 1) report(['spec', 'types'], `names ${type} twice`);
}

/** A policy of newer versions says its tier, and has its name as people gave it. */
export const TIERED: NewerForm = {
  convert(policy: Resource) {
    policy.spec = { ...policy.spec, tier: policy.spec?.tier ?? DEFAULT_TIER };
    policy.metadata.labels = { ...policy.metadata.labels, [TIER_LABEL]: String(policy.spec.tier) };
    keepOriginalName(policy.metadata);
    dropEmptySides(policy);
  },
  is: ({ metadata }) => metadata.name.includes('.') && !FOREIGN_POLICY.test(metadata.name),
};
