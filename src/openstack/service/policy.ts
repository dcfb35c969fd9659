/** From a security group to its NetworkPolicy. */
import { resourceKey } from '../../datastore/index.ts';
import type { Region } from '../region.ts';
import { groupLabel, UNPOLICED } from './labels.ts';
import type { GroupFacts, SecurityGroupRule } from './neutron.ts';
import type { Record, StoredResource } from './record.ts';
import { type PolicyRule, ruleOf } from './rule.ts';

/** Of our policies' names; what else is in the namespace is not ours. */
const NAME = 'ossg.default.';
/** No group's id: those are UUIDs. */
export const UNPOLICED_ID = 'port-security-disabled';

export interface RuleProblem {
  readonly group: string;
  readonly rule: string;
  readonly reason: string;
}

export interface PolicyOutcome {
  readonly policy: Record;
  /** Of rules that are left out. */
  readonly problems: readonly RuleProblem[];
}

export function policyOf(region: Region, { security_group: group, address_groups }: GroupFacts): PolicyOutcome {
  const problems: RuleProblem[] = [];
  const rules = { ingress: [] as PolicyRule[], egress: [] as PolicyRule[] };
  // By id, so that the order stays: Neutron's database promises none.
  for (const rule of [...group.security_group_rules].sort(byId)) {
    const made = ruleOf(rule, address_groups);
    if (typeof made === 'string') problems.push({ group: group.id, rule: rule.id, reason: made });
    else rules[rule.direction === 'egress' ? 'egress' : 'ingress'].push(made);
  }
  const policy = policyRecord(region, group.id, { ...rules, selector: `has(${groupLabel(group.id)})` });
  return { policy, problems };
}

/** What lets everything through to ports whose security is off; it is there while there are such ports. */
export function unpolicedPolicy(region: Region): Record {
  const rules = [{ action: 'Allow' }];
  return policyRecord(region, UNPOLICED_ID, { ingress: rules, egress: rules, selector: `has(${UNPOLICED})` });
}

/** What the keys of all our policies of the region start with, and no others. */
export function policyPrefix(region: Region): string {
  return policyKey(region, '');
}

export function policyKey(region: Region, groupId: string): string {
  return resourceKey('networkpolicies', `${NAME}${groupId}`, region.namespace);
}

function policyRecord(region: Region, id: string, spec: object): Record {
  const value: StoredResource = {
    apiVersion: 'projectcalico.org/v3',
    kind: 'NetworkPolicy',
    metadata: { name: `${NAME}${id}`, namespace: region.namespace },
    spec,
  };
  return { key: policyKey(region, id), value };
}

function byId(a: SecurityGroupRule, b: SecurityGroupRule): number {
  return a.id < b.id ? -1 : 1;
}
