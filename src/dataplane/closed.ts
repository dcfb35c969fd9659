/** What stands in for chains that cannot be made: it closes their endpoint. */
import type { LocalHostEndpoint } from '../calc/index.ts';
import {
  type Chain,
  FAILSAFE_CHAINS,
  type HostEndpointChains,
  hostEndpointChains,
  type Rule,
  type RulesConfig,
} from '../rules/index.ts';

const DROP: Rule = { match: {}, action: { type: 'drop' }, origin: { type: 'plumbing' }, comment: 'Closed' };
const FAILSAFES = new Set(Object.values(FAILSAFE_CHAINS));

export const closedChain = (name: string): Chain => ({ name, rules: [DROP] });

/**
 * What stands in for a chain that cannot be written. Before a host's failsafe ports comes what lets their answers through:
 * a policy that cannot be programmed must not lock out whoever could mend it. The chain of failsafe ports itself only
 * accepts: without it policy decides.
 */
export function standInFor({ name, rules }: Chain): Chain {
  const end = rules.findLastIndex(leadsToFailsafes) + 1;
  return { name, rules: FAILSAFES.has(name) ? [] : [...rules.slice(0, end), DROP] };
}

export const hasFailsafes = ({ name, rules }: Chain): boolean => FAILSAFES.has(name) || rules.some(leadsToFailsafes);

const leadsToFailsafes = ({ action }: Rule): boolean => action.type === 'jump' && FAILSAFES.has(action.chain);

/** As without any policy, so that failsafe ports stay open; and nothing is forwarded. */
export function closedHost(host: LocalHostEndpoint, interfaceName: string, config: RulesConfig): HostEndpointChains {
  const endpoint = { ...host.endpoint, profiles: [] };
  const bare: LocalHostEndpoint = { endpoint, tiers: [], forward: [], untracked: [], preDnat: [] };
  const chains = hostEndpointChains(bare, interfaceName, () => '', config);
  const [to, from, ...forward] = chains.filter;
  return { ...chains, filter: [to!, from!, ...forward.map(({ name }) => closedChain(name))] };
}
