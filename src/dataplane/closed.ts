/** What stands in for chains that cannot be made: it closes their endpoint. */
import type { LocalHostEndpoint } from '../calc/index.ts';
import {
  type Chain,
  type HostEndpointChains,
  hostEndpointChains,
  type Rule,
  type RulesConfig,
} from '../rules/index.ts';

const DROP: Rule = { match: {}, action: { type: 'drop' }, origin: { type: 'plumbing' }, comment: 'Closed' };

export const closedChain = (name: string): Chain => ({ name, rules: [DROP] });

/** As without any policy, so that failsafe ports stay open; and nothing is forwarded. */
export function closedHost(host: LocalHostEndpoint, interfaceName: string, config: RulesConfig): HostEndpointChains {
  const endpoint = { ...host.endpoint, profiles: [] };
  const bare: LocalHostEndpoint = { endpoint, tiers: [], forward: [], untracked: [], preDnat: [] };
  const chains = hostEndpointChains(bare, interfaceName, () => '', config);
  const [to, from, ...forward] = chains.filter;
  return { ...chains, filter: [to!, from!, ...forward.map(({ name }) => closedChain(name))] };
}
