/**
 * Everything that one host's tables of one family hold, from the whole state at once: for explain and tests. The dataplane
 * assembles the same pieces as they change.
 */
import type { ActivePolicy, ActiveProfile, LocalHostEndpoint, LocalWorkload } from '../calc/output.ts';
import { type IdKey, type IPPool, idKey } from '../model/index.ts';
import { addressOf, type Cidr, type Family, familyOf, type Ip } from '../net/index.ts';
import type { Chain, Hook, Rule, Ruleset, TableChains, TableName } from './chain.ts';
import type { RulesConfig } from './config.ts';
import { HOST_DISPATCH, hostDispatchChains, workloadDispatchChains } from './dispatch.ts';
import { dscpChains, dscpHook } from './dscp.ts';
import type { StoredNames } from './endpoint.ts';
import { forwardChains } from './forward.ts';
import { type HostEndpointChains, hostEndpointChains, resolveHostEndpoints } from './host-endpoint.ts';
import { type FloatingIp, floatingIpChains, natOutgoingChain } from './nat.ts';
import { beforeFilter, type PolicyConfig, policyChains, profileChains } from './policy.ts';
import { allowedSourcesChain } from './spoofing.ts';
import { staticTables } from './static.ts';
import { workloadChains } from './workload.ts';

/** Maps are those of calc's `DataplaneState`. */
export interface HostState {
  readonly workloads: ReadonlyMap<IdKey, LocalWorkload>;
  readonly hostEndpoints: ReadonlyMap<IdKey, LocalHostEndpoint>;
  readonly policies: ReadonlyMap<IdKey, ActivePolicy>;
  readonly profiles: ReadonlyMap<string, ActiveProfile>;
  readonly pools: ReadonlyMap<IdKey, IPPool>;
  /** Prefixes of services that hosts advertise. */
  readonly servicePrefixes: readonly Cidr[];
  /** The host's interfaces and their addresses: they tell where a host endpoint known by its addresses is. */
  readonly interfaces: ReadonlyMap<string, readonly Ip[]>;
}

/** Chains that nothing leads to are left out, as they are in the kernel. */
export function compileHost(state: HostState, config: RulesConfig, family: Family): Ruleset {
  const storedName: StoredNames = (id) => state.policies.get(idKey(id))?.storedName ?? id.name;
  const hosts = [...resolveHostEndpoints(state.hostEndpoints.values(), state.interfaces)].map(
    ([name, host]) => [name, hostEndpointChains(host, name, storedName, config)] as const,
  );
  const workloads = owners(state.workloads);
  const policies = (of: PolicyConfig) => [...state.policies.values()].flatMap((p) => policyChains(p, family, of));
  const early = policies(beforeFilter(config));
  const pools = [...state.pools.values()].filter((pool) => familyOf(addressOf(pool.cidr)) === family);
  const endpoints = workloads.map(({ endpoint }) => endpoint);
  const dscp = dscpChains(endpoints, state.pools.values(), family);
  const added: Record<TableName, Chain[]> = {
    raw: [allowedSourcesChain(endpoints, family), ...hostTable('raw', hosts), ...early],
    mangle: [...hostTable('mangle', hosts), ...early, ...dscp],
    nat: [
      ...floatingIpChains(workloads.flatMap(floatingIps), family),
      natOutgoingChain(
        pools.some((pool) => pool.natOutgoing),
        config,
        family,
      ),
    ],
    filter: [
      ...forwardChains(config, family, state.servicePrefixes),
      ...workloadDispatchChains(
        endpoints.map(({ interfaceName }) => interfaceName),
        config,
      ),
      ...workloads.flatMap((workload) => workloadChains(workload, storedName, config)),
      ...hostTable('filter', hosts),
      ...policies(config),
      ...[...state.profiles.values()].flatMap((profile) => profileChains(profile, family, config)),
    ],
  };
  const tables = staticTables(config, family);
  const complete = (name: TableName) => referenced(withChains(tables[name], added[name]));
  const mangle = referenced(withHook(withChains(tables.mangle, added.mangle), 'POSTROUTING', dscpHook(dscp)));
  return { raw: complete('raw'), mangle, nat: complete('nat'), filter: complete('filter') };
}

function hostTable(
  table: keyof HostEndpointChains,
  hosts: readonly (readonly [string, HostEndpointChains])[],
): Chain[] {
  const present = hosts.filter(([, chains]) => chains[table].length > 0);
  return [
    ...hostDispatchChains(
      present.map(([name]) => name),
      HOST_DISPATCH[table],
    ),
    ...present.flatMap(([, chains]) => chains[table]),
  ];
}

/** Of several that claim an interface, the first by identity has it. */
function owners(workloads: HostState['workloads']): LocalWorkload[] {
  const byInterface = new Map<string, LocalWorkload>();
  for (const [, workload] of [...workloads].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const { interfaceName } = workload.endpoint;
    if (interfaceName !== '' && !byInterface.has(interfaceName)) byInterface.set(interfaceName, workload);
  }
  return [...byInterface.values()];
}

function floatingIps({ endpoint }: LocalWorkload): readonly FloatingIp[] {
  return endpoint.nats;
}

function withHook(table: TableChains, hook: Hook, entry: readonly Rule[]): TableChains {
  return entry.length === 0 ? table : { ...table, hooks: { ...table.hooks, [hook]: { entry } } };
}

export function withChains(table: TableChains, chains: Iterable<Chain>): TableChains {
  return { ...table, chains: new Map([...table.chains, ...[...chains].map((chain) => [chain.name, chain] as const)]) };
}

/** The table with only those chains that its hooks lead to. */
export function referenced(table: TableChains): TableChains {
  const found = new Map<string, Chain>();
  const visit = (rules: readonly Chain['rules'][number][] | undefined): void => {
    for (const { action } of rules ?? []) {
      for (const name of targets(action)) {
        const chain = table.chains.get(name);
        if (!chain || found.has(name)) continue;
        found.set(name, chain);
        visit(chain.rules);
      }
    }
  };
  for (const hook of Object.values(table.hooks)) {
    visit(hook.entry);
    visit(hook.end);
  }
  return { ...table, chains: found };
}

function targets(action: Chain['rules'][number]['action']): Iterable<string> {
  if (action.type === 'jump' || action.type === 'goto') return [action.chain];
  return action.type === 'dispatch' ? action.table.values() : [];
}
