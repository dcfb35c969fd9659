/** What GlobalNetworkPolicy and StagedGlobalNetworkPolicy have beyond policies of namespaces. */
import type * as z from 'zod';
import { flag } from './fields.ts';
import { part } from './kind.ts';
import { performanceHints, policyHead, policyTail } from './policy.ts';
import type { Report } from './report.ts';
import { selector } from './selector-field.ts';

export const globalPolicyFields = () => ({
  ...policyHead(),
  doNotTrack: flag(),
  preDNAT: flag(),
  applyOnForward: flag(),
  ...policyTail(),
  namespaceSelector: selector(),
  ...performanceHints(),
});

const spec = () => part(globalPolicyFields());
type GlobalPolicySpec = z.output<ReturnType<typeof spec>>;

export function checkGlobalPolicy(spec: GlobalPolicySpec, report: Report): void {
  if (spec.doNotTrack && spec.preDNAT) report(['spec', 'preDNAT'], 'cannot stand beside doNotTrack');
  if ((spec.doNotTrack || spec.preDNAT) && !spec.applyOnForward)
    report(['spec', 'applyOnForward'], 'must be true with doNotTrack or preDNAT');
  if (spec.preDNAT && spec.egress) report(['spec', 'egress'], 'must be empty with preDNAT');
  if (spec.preDNAT && spec.types?.includes('Egress')) report(['spec', 'types'], 'must not name Egress with preDNAT');
  for (const direction of ['ingress', 'egress'] as const)
    for (const [index, rule] of (spec[direction] ?? []).entries())
      for (const side of ['source', 'destination'] as const)
        if (rule[side].services && !rule[side].services.namespace)
          report(['spec', direction, index, side, 'services', 'namespace'], 'must name the namespace of the service');
}
