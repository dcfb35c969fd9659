/** The chain that a packet of one endpoint goes through in one direction: what workload and host endpoints share. */
import type { TierPolicies } from '../calc/output.ts';
import type { Policy } from '../model/index.ts';
import { IPIP, UDP } from '../net/index.ts';
import { ACCEPT, clearMark, deny, jump, PLUMBING, RETURN, rule, setMark } from './build.ts';
import type { Chain, Match, Rule } from './chain.ts';
import type { DenyAction, RulesConfig } from './config.ts';
import { connectionRules, type LimitSpec, packetRateRules } from './limits.ts';
import { policyChainName, profileChainName } from './names.ts';
import type { DefaultRule, Origin } from './origin.ts';

export interface EndpointChainSpec extends LimitSpec {
  readonly name: string;
  readonly tiers: readonly TierPolicies[];
  readonly profiles: readonly string[];
  /**
   * `normal`: policies, then profiles, then drop. `forward`: policies, and when there are none, allow. `untracked` and
   * `pre-dnat`: what no policy allows or denies goes on to the tables that come later.
   */
  readonly kind: 'normal' | 'forward' | 'untracked' | 'pre-dnat';
  /** How a packet of an established connection is allowed. */
  readonly allow: 'accept' | 'return';
  readonly deny: DenyAction;
  readonly failsafe?: string;
  /** Packets that pretend to be the hosts' own tunnels are dropped. */
  readonly dropEncapsulated: boolean;
}

/** Policies are known here by identity only; chain names come from the name in the datastore. */
export type StoredNames = (id: Policy['id']) => string;

const ACCEPTED: Match = { marked: ['accept'] };

export function endpointChain(spec: EndpointChainSpec, storedName: StoredNames, config: RulesConfig): Chain {
  return {
    name: spec.name,
    rules: [
      ...packetRateRules(spec),
      ...(spec.kind === 'untracked' ? [] : conntrackRules(spec, config)),
      ...connectionRules(spec),
      ...(spec.failsafe === undefined ? [] : [rule({}, jump(spec.failsafe))]),
      rule({}, clearMark('accept')),
      ...(spec.dropEncapsulated ? encapsulationRules(spec, config) : []),
      ...policyRules(spec, storedName),
      ...(spec.kind === 'normal' ? profileRules(spec) : []),
    ],
  };
}

/** Return traffic of what was allowed once is allowed. */
function conntrackRules(spec: EndpointChainSpec, config: RulesConfig): Rule[] {
  const established: Match = { conntrack: ['RELATED', 'ESTABLISHED'] };
  const origin: Origin = { type: 'conntrack', state: 'established' };
  const pass =
    spec.allow === 'accept'
      ? [rule(established, ACCEPT, origin)]
      : [rule(established, setMark('accept'), origin), rule(established, RETURN)];
  const invalid = rule({ conntrack: ['INVALID'] }, deny(spec.deny), { type: 'conntrack', state: 'invalid' });
  return config.denyInvalid ? [...pass, invalid] : pass;
}

function encapsulationRules(spec: EndpointChainSpec, config: RulesConfig): Rule[] {
  const origin = defaultOrigin(spec, 'encapsulated-from-workload');
  const vxlan: Match = { protocol: UDP, destination: { ports: [{ min: config.vxlanPort, max: config.vxlanPort }] } };
  return [
    ...(config.allowVxlanFromWorkloads
      ? []
      : [rule(vxlan, deny(spec.deny), origin, 'Drop VXLAN encapped packets originating in pods')]),
    ...(config.allowIpipFromWorkloads
      ? []
      : [rule({ protocol: IPIP }, deny(spec.deny), origin, 'Drop IPinIP encapped packets originating in pods')]),
  ];
}

function policyRules(spec: EndpointChainSpec, storedName: StoredNames): Rule[] {
  const tiers = spec.tiers.filter((tier) => tier[spec.direction].length > 0);
  if (tiers.length === 0 && spec.kind === 'forward') {
    const origin = defaultOrigin(spec, 'no-forward-policy');
    return [
      rule({}, setMark('accept'), origin, 'Allow forwarded traffic by default'),
      rule({}, RETURN, PLUMBING, 'Return for accepted forward traffic'),
    ];
  }
  return tiers.flatMap((tier) => tierRules(spec, tier, storedName));
}

function tierRules(spec: EndpointChainSpec, tier: TierPolicies, storedName: StoredNames): Rule[] {
  const { kind, direction } = spec;
  const start = tier.tier === 'default' ? 'Start of policies' : `Start of tier ${tier.tier}`;
  return [
    rule({}, clearMark('pass'), PLUMBING, start),
    ...tier[direction].flatMap((id) => [
      rule({ notMarked: ['pass'] }, jump(policyChainName(direction, { id, storedName: storedName(id) }))),
      ...(kind === 'untracked' ? [rule(ACCEPTED, { type: 'notrack' })] : []),
      rule(ACCEPTED, RETURN, PLUMBING, 'Return if policy accepted'),
    ]),
    ...((kind === 'normal' || kind === 'forward') && !tier.passes ? [endOfTier(spec, tier.tier)] : []),
  ];
}

function profileRules(spec: EndpointChainSpec): Rule[] {
  return [
    ...spec.profiles.flatMap((profile) => [
      rule({}, jump(profileChainName(spec.direction, profile))),
      rule(ACCEPTED, RETURN, PLUMBING, 'Return if profile accepted'),
    ]),
    rule({}, deny(spec.deny), defaultOrigin(spec, 'no-profile-matched'), 'Drop if no profiles matched'),
  ];
}

function endOfTier(spec: EndpointChainSpec, tier: string): Rule {
  const origin: Origin = { ...defaultOrigin(spec, 'end-of-tier'), tier };
  return rule({ notMarked: ['pass'] }, deny(spec.deny), origin, 'Drop if no policies passed packet');
}

function defaultOrigin(spec: EndpointChainSpec, what: DefaultRule): Extract<Origin, { type: 'default' }> {
  return { type: 'default', what, endpoint: spec.endpoint, direction: spec.direction };
}
