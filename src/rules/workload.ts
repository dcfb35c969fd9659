/** Chains of a workload endpoint (filter table). */
import type { LocalWorkload } from '../calc/output.ts';
import type { Chain } from './chain.ts';
import type { RulesConfig } from './config.ts';
import { endpointChain, type StoredNames } from './endpoint.ts';
import { endpointChainName } from './names.ts';

/** Two chains: to the workload (ingress), from it (egress). The same for both families. */
export function workloadChains(workload: LocalWorkload, storedName: StoredNames, config: RulesConfig): Chain[] {
  const { id, interfaceName, profiles, qos } = workload.endpoint;
  const common = {
    endpoint: id,
    tiers: workload.tiers,
    profiles,
    kind: 'normal',
    allow: config.filterAllowAction,
    deny: config.filterDenyAction,
  } as const;
  const to = {
    name: endpointChainName('toWorkload', interfaceName),
    direction: 'ingress',
    dropEncapsulated: false,
  } as const;
  const from = {
    name: endpointChainName('fromWorkload', interfaceName),
    direction: 'egress',
    dropEncapsulated: true,
  } as const;
  return [to, from].map((side) => {
    const limits = qos?.[side.direction];
    return endpointChain({ ...common, ...side, ...(limits && { limits }) }, storedName, config);
  });
}
