/**
 * What policy means for one endpoint, read from its definition, for one packet that opens a connection.
 * Nothing of the product decides here: no calc, no rules, no selector. The property tests hold those against this.
 */
import type { Direction, HostEndpoint, Policy, Rule, WorkloadEndpoint } from '../../src/model/index.ts';
import type { Opening, Resources } from './resources.ts';
import { labelsOf, ruleMatches } from './rule.ts';
import { selects } from './selector.ts';

/** What an endpoint's policies are for: each has one role, but `forward` ones are normal ones as well. */
export type Role = 'normal' | 'forward' | 'untracked' | 'pre-dnat';
export type Say = 'allow' | 'deny' | 'nothing';

type Endpoint = WorkloadEndpoint | HostEndpoint;

/**
 * Tier by tier, the first rule that matches decides: Pass leads to the next tier. Where none matches, there is no more to
 * ask: it is denied, unless the tier passes what it does not decide. The profiles have a say when no policy applies, or the last tier passes.
 * Policies before DNAT and before tracking deny nothing by keeping silent; forwarding is allowed where no policy is about it.
 */
export function say(resources: Resources, endpoint: Endpoint, direction: Direction, role: Role, packet: Opening): Say {
  const policies = policiesOf(resources, endpoint, role).filter(({ types }) => types.includes(direction));
  const tiers = Map.groupBy(policies, ({ tier }) => tier);
  for (const name of inOrder(resources, [...tiers.keys()])) {
    const rules = (tiers.get(name) ?? []).toSorted(byOrder).flatMap((policy) => policy[direction]);
    const decided = firstMatch(resources, rules, packet);
    if (decided === 'allow' || decided === 'deny') return decided;
    const passes = resources.tiers.some(({ id, defaultAction }) => id.name === name && defaultAction === 'pass');
    if (decided === null && !passes && (role === 'normal' || role === 'forward')) return 'deny';
  }
  if (role === 'forward') return tiers.size === 0 ? 'allow' : 'nothing';
  return role === 'normal' ? profilesSay(resources, endpoint, direction, packet) : 'nothing';
}

/** Those that select the endpoint and have the role. */
export function policiesOf(resources: Resources, endpoint: Endpoint, role: Role): Policy[] {
  const labels = labelsOf(resources.profiles, endpoint);
  return resources.policies.filter((policy) => hasRole(policy, role) && selects(policy.selector, labels));
}

function hasRole({ doNotTrack, preDNAT, applyOnForward, types }: Policy, role: Role): boolean {
  if (doNotTrack) return role === 'untracked';
  // What leaves has no destination that is yet to be translated.
  if (preDNAT) return role === 'pre-dnat' && types.includes('ingress');
  return role === 'normal' || (role === 'forward' && applyOnForward);
}

function profilesSay(resources: Resources, endpoint: Endpoint, direction: Direction, packet: Opening): Say {
  for (const name of endpoint.profiles) {
    const profile = resources.profiles.find((p) => p.id.name === name);
    if (!profile) return 'deny';
    const decided = firstMatch(resources, profile[direction], packet);
    if (decided) return decided === 'allow' ? 'allow' : 'deny';
  }
  return 'deny';
}

/** A tier that nobody stored is the last, but `default` has its place. */
function inOrder({ tiers }: Resources, names: readonly string[]): string[] {
  const order = (name: string) => {
    const known = tiers.find(({ id }) => id.name === name);
    return (known ? known.order : name === 'default' ? 1_000_000 : null) ?? Number.MAX_VALUE;
  };
  return names.toSorted((a, b) => order(a) - order(b) || (a < b ? -1 : 1));
}

function byOrder(a: Policy, b: Policy): number {
  const order = (p: Policy) => p.order ?? Number.MAX_VALUE;
  const name = (p: Policy) => (p.id.namespace ? `${p.id.namespace}/${p.storedName}` : p.storedName);
  return order(a) - order(b) || (name(a) < name(b) ? -1 : 1);
}

function firstMatch(resources: Resources, rules: readonly Rule[], packet: Opening): 'allow' | 'deny' | 'pass' | null {
  for (const rule of rules) {
    if (rule.action !== 'log' && ruleMatches(resources, rule, packet)) return rule.action;
  }
  return null;
}
