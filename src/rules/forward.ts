/** Forwarded packets (filter table): host endpoints and workloads on either side, and what must not go in circles. */
import { addressOf, type Cidr, type Family, familyOf } from '../net/index.ts';
import { clearMark, deny, jump, rule } from './build.ts';
import type { Chain } from './chain.ts';
import type { RulesConfig } from './config.ts';
import { DISPATCH } from './dispatch.ts';
import type { Origin } from './origin.ts';

const BLOCKED = 'cali-cidr-block';
const POLICY_ACCEPTED: Origin = { type: 'default', what: 'policy-accepted' };

/**
 * `services`: prefixes that hosts advertise for services. What is still to be forwarded to one of them was translated by
 * nobody; the way on leads back here.
 */
export function forwardChains(config: RulesConfig, family: Family, services: readonly Cidr[]): Chain[] {
  const blocked = blockedChain(config, family, services);
  return [forwardChain(config, blocked.rules.length > 0), blocked];
}

function forwardChain(config: RulesConfig, blocks: boolean): Chain {
  return {
    name: 'cali-FORWARD',
    rules: [
      // The accept mark stays: an untracked policy of the raw table may have set it.
      rule({}, clearMark('pass', 'scratch0', 'scratch1')),
      rule({ notMarked: ['accept'] }, jump(DISPATCH.fromHostForward)),
      ...config.interfacePrefixes.flatMap((prefix) => [
        rule({ inInterface: `${prefix}+` }, jump(DISPATCH.fromWorkload)),
        rule({ outInterface: `${prefix}+` }, jump(DISPATCH.toWorkload)),
      ]),
      rule({}, jump(DISPATCH.toHostForward)),
      ...(blocks ? [rule({}, jump(BLOCKED))] : []),
      rule(
        { marked: ['accept'] },
        { type: config.filterAllowAction },
        POLICY_ACCEPTED,
        'Policy explicitly accepted packet.',
      ),
    ],
  };
}

function blockedChain({ serviceLoopPrevention: how }: RulesConfig, family: Family, services: readonly Cidr[]): Chain {
  const nets = how === 'disabled' ? [] : services.filter((net) => familyOf(addressOf(net)) === family).toSorted();
  const origin: Origin = { type: 'default', what: 'service-loop' };
  return {
    name: BLOCKED,
    rules: nets.map((net) =>
      rule({ destination: { nets: [net] } }, deny(how === 'reject' ? 'reject' : 'drop'), origin),
    ),
  };
}
