/** What NetworkPolicy and GlobalNetworkPolicy share. */
import * as z from 'zod';
import { type Check, list, numberOrUnset, omitted, text } from './fields.ts';
import * as formats from './formats.ts';
import { FOREIGN_POLICY } from './kind-names.ts';
import type { Report } from './report.ts';
import { egressRule, ingressRule } from './rule.ts';
import { selector } from './selector-field.ts';

const TYPES = ['Ingress', 'Egress'] as const;
type PolicyType = (typeof TYPES)[number];

/** Fields before and after those that only one of the two kinds has, in stored order. */
export const policyHead = () => ({
  /** Known to Calico from v3.27 on. */
  tier: text(formats.name),
  order: numberOrUnset(),
  ingress: list(ingressRule()),
  egress: list(egressRule()),
  selector: selector(),
  types: list(z.enum(TYPES)),
});
export const policyTail = () => ({ serviceAccountSelector: selector() });
export const performanceHints = () => ({
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
  const tiered = spec.tier !== undefined && spec.tier !== 'default';
  const check: Check = tiered || (foreign && FOREIGN_POLICY.test(name)) ? formats.name : formats.dnsLabel;
  const problem = check(name);
  if (problem) report(['metadata', 'name'], problem);
  for (const type of TYPES)
    if ((spec.types ?? []).filter((t) => t === type).length > 1) report(['spec', 'types'], `names ${type} twice`);
}
