/** Chains of policies and profiles: one for each direction, each rule with where it comes from. */
import type { ActiveEntity, ActivePolicy, ActiveProfile, ActiveRule } from '../calc/output.ts';
import type { Direction } from '../model/index.ts';
import { type Cidr, type Family, familyOf, ICMP, ICMPV6, lengthOf } from '../net/index.ts';
import { deny } from './build.ts';
import type { Action, Chain, Match, Rule, SideMatch } from './chain.ts';
import type { RulesConfig } from './config.ts';
import { policyChainName, profileChainName } from './names.ts';
import type { Origin } from './origin.ts';

type PolicyOrigin = Extract<Origin, { type: 'policy' }>;
type OwnerId = PolicyOrigin['id'];

const DIRECTIONS: readonly Direction[] = ['ingress', 'egress'];

/** What the rules of policies and profiles are compiled with. */
export type PolicyConfig = Pick<RulesConfig, 'logPrefix' | 'filterDenyAction'>;

/** The same policy in the tables ahead of the filter table: they can do nothing but drop what is denied. */
export function beforeFilter(config: RulesConfig): PolicyConfig {
  return { ...config, filterDenyAction: 'drop' };
}

/** Two chains: ingress, egress. */
export function policyChains(policy: ActivePolicy, family: Family, config: PolicyConfig): Chain[] {
  return DIRECTIONS.map((direction) => policyChain(direction, policy, family, config));
}

export function policyChain(direction: Direction, policy: ActivePolicy, family: Family, config: PolicyConfig): Chain {
  const name = policyChainName(direction, policy);
  return { name, rules: compileRules(policy[direction], { id: policy.id, direction }, family, config) };
}

/** Two chains: ingress, egress. */
export function profileChains(profile: ActiveProfile, family: Family, config: PolicyConfig): Chain[] {
  return DIRECTIONS.map((direction) => profileChain(direction, profile, family, config));
}

export function profileChain(
  direction: Direction,
  profile: ActiveProfile,
  family: Family,
  config: PolicyConfig,
): Chain {
  const id: OwnerId = { kind: 'Profile', name: profile.name };
  const name = profileChainName(direction, profile.name);
  return { name, rules: compileRules(profile[direction], { id, direction }, family, config) };
}

function compileRules(
  rules: readonly ActiveRule[],
  owner: { id: OwnerId; direction: Direction },
  family: Family,
  config: PolicyConfig,
): Rule[] {
  return rules.flatMap((rule, number): Rule[] => {
    const match = compileMatch(rule, family);
    if (!match) return [];
    return [{ match, action: compileAction(rule, config), origin: { type: 'policy', ...owner, rule: number } }];
  });
}

function compileAction(rule: ActiveRule, config: PolicyConfig): Action {
  switch (rule.action) {
    case 'allow':
    case 'pass':
      return { type: 'policy', verdict: rule.action };
    case 'deny':
      return deny(config.filterDenyAction);
    case 'log':
      return { type: 'log', prefix: config.logPrefix };
    default:
      throw new Error(`No such action of a rule: ${rule.action satisfies never}`);
  }
}

/**
 * What the rule asks of a packet of this family; null: it says nothing about this family. HTTP conditions are left out:
 * what enforces them does so for packets that pass here.
 */
function compileMatch(rule: ActiveRule, family: Family): Match | null {
  if (rule.ipVersion !== undefined && rule.ipVersion !== family) return null;
  if (rule.protocol === (family === 4 ? ICMPV6 : ICMP)) return null;
  if (rule.protocol !== undefined && rule.protocol === rule.notProtocol) return null;
  const source = compileSide(rule.source, family);
  const destination = compileSide(rule.destination, family);
  if (!source || !destination) return null;
  return {
    ...(rule.protocol !== undefined && { protocol: rule.protocol }),
    // Beside a protocol, a negated one has nothing left to say.
    ...(rule.protocol === undefined && rule.notProtocol !== undefined && { notProtocol: rule.notProtocol }),
    ...(rule.icmp && { icmp: rule.icmp }),
    ...(rule.notIcmp && { notIcmp: rule.notIcmp }),
    ...(Object.keys(source).length > 0 && { source }),
    ...(Object.keys(destination).length > 0 && { destination }),
  };
}

function compileSide(entity: ActiveEntity, family: Family): SideMatch | null {
  const nets = ofFamily(entity.nets, family);
  const notNets = ofFamily(entity.notNets, family);
  if (!nets || !notNets) return null;
  // Not in any network: nobody is. iptables-nft refuses to say so.
  if (notNets.some((net) => lengthOf(net) === 0)) return null;
  const { sets, notSets, ports, portSets, notPorts, notPortSets } = entity;
  const lists = { nets, sets, ports, portSets, notNets, notSets, notPorts, notPortSets };
  return Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
}

/**
 * The prefixes of one family. Null when there are some, but none of this family: prefixes (also negated ones) tie a rule to
 * the families they are of, as upstream has it.
 */
function ofFamily(nets: readonly Cidr[], family: Family): readonly Cidr[] | null {
  const kept = nets.filter((net) => familyOf(net) === family);
  return kept.length === 0 && nets.length > 0 ? null : kept;
}
