/** What every syncer reports though nobody stored it. */
import type { Rule, RuleEntity, Update } from '../../model/index.ts';

const ANYTHING: RuleEntity = { nets: [], notNets: [], selector: '', notSelector: '', ports: [], notPorts: [] };
const ALLOW: Rule = { action: 'allow', source: ANYTHING, destination: ANYTHING };
const id = { kind: 'Profile', name: 'projectcalico-default-allow' } as const;

/** The profile that host endpoints made by controllers have. */
export const BUILT_IN: readonly Update[] = [
  { id, value: { id, labelsToApply: {}, ingress: [ALLOW], egress: [ALLOW] } },
];
