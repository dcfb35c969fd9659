/** Sources beyond its own addresses that a workload may use (raw table): with them its packets pass the reverse-path check. */
import type { WorkloadEndpoint } from '../model/index.ts';
import { addressOf, type Family, familyOf } from '../net/index.ts';
import { ACCEPT, rule } from './build.ts';
import type { Chain } from './chain.ts';

export const ALLOWED_SOURCES = 'cali-rpf-skip';

/** `workloads`: those that have an interface of this host. */
export function allowedSourcesChain(workloads: Iterable<WorkloadEndpoint>, family: Family): Chain {
  const rules = [...workloads].flatMap(({ interfaceName, allowedSources = [] }) =>
    allowedSources
      .filter((net) => familyOf(addressOf(net)) === family)
      .map((net) =>
        rule({ inInterface: interfaceName, source: { nets: [net] } }, ACCEPT, {
          type: 'default',
          what: 'allowed-source',
        }),
      ),
  );
  return { name: ALLOWED_SOURCES, rules };
}
