/** Workload endpoints: which one has an interface, its chains, and the dispatch to them. */
import type { LocalWorkload } from '../calc/index.ts';
import { type IdKey, idKey, type ResourceId } from '../model/index.ts';
import {
  allowedSourcesChain,
  endpointChainName,
  floatingIpChains,
  type RulesConfig,
  workloadChains,
  workloadDispatchChains,
} from '../rules/index.ts';
import type { Policies } from './policies.ts';
import type { Tables } from './tables.ts';

export class Workloads {
  readonly #tables: Tables;
  readonly #policies: Policies;
  readonly #config: RulesConfig;
  readonly #byId = new Map<IdKey, LocalWorkload>();
  /** Claims on an interface. More than one is somebody's mistake, or a moment of a migration. */
  readonly #claims = new Map<string, Map<IdKey, LocalWorkload>>();
  readonly #owners = new Map<string, LocalWorkload>();
  readonly #touched = new Set<string>();
  #touchedIds = new Set<IdKey>();

  constructor(tables: Tables, policies: Policies, config: RulesConfig) {
    this.#tables = tables;
    this.#policies = policies;
    this.#config = config;
  }

  get all(): ReadonlyMap<IdKey, LocalWorkload> {
    return this.#byId;
  }

  /** Endpoints that say that the interface is theirs. */
  claimants(interfaceName: string): Iterable<IdKey> {
    return this.#claims.get(interfaceName)?.keys() ?? [];
  }

  /** Endpoints that were told, or are gone, or have gained or lost their interface, since the last call. */
  takeTouched(): ReadonlySet<IdKey> {
    const touched = this.#touchedIds;
    this.#touchedIds = new Set();
    return touched;
  }

  /** Interface → the endpoint that has it: of several that claim it, the first by identity. */
  get owners(): ReadonlyMap<string, LocalWorkload> {
    return this.#owners;
  }

  /** An interface without our prefix has chains that nothing leads to, and routes: as upstream's. */
  set(workload: LocalWorkload): void {
    const { id, interfaceName } = workload.endpoint;
    const key = idKey(id);
    if (this.#byId.get(key)?.endpoint.interfaceName !== interfaceName) this.remove(id);
    this.#byId.set(key, workload);
    this.#touchedIds.add(key);
    if (interfaceName === '') return;
    const claims = this.#claims.get(interfaceName) ?? new Map<IdKey, LocalWorkload>();
    this.#claims.set(interfaceName, claims.set(key, workload));
    this.#touched.add(interfaceName);
  }

  remove(id: ResourceId): void {
    const key = idKey(id);
    const interfaceName = this.#byId.get(key)?.endpoint.interfaceName;
    if (interfaceName === undefined) return;
    this.#byId.delete(key);
    this.#touchedIds.add(key);
    this.#claims.get(interfaceName)?.delete(key);
    if (this.#claims.get(interfaceName)?.size === 0) this.#claims.delete(interfaceName);
    this.#touched.add(interfaceName);
  }

  /** Offers the chains of what changed. Returns the interfaces that it touched. */
  settle(): ReadonlySet<string> {
    const touched = new Set(this.#touched);
    this.#touched.clear();
    let membership = false;
    let addresses = false;
    let sources = false;
    for (const name of touched) {
      const before = this.#owners.get(name);
      const after = first(this.#claims.get(name));
      for (const id of this.claimants(name)) this.#touchedIds.add(id);
      if (after) {
        this.#owners.set(name, after);
        this.#tables.offer(['filter'], workloadChains(after, this.#policies.storedName, this.#config));
      } else if (this.#owners.delete(name)) {
        this.#tables.withdraw(
          ['filter'],
          [endpointChainName('toWorkload', name), endpointChainName('fromWorkload', name)],
        );
      }
      membership ||= (before === undefined) !== (after === undefined);
      addresses ||= (before?.endpoint.nats.length ?? 0) + (after?.endpoint.nats.length ?? 0) > 0;
      sources ||= (before?.endpoint.allowedSources ?? after?.endpoint.allowedSources) !== undefined;
    }
    if (membership) this.offerDispatch();
    if (addresses) this.offerFloatingIps();
    if (sources) this.offerAllowedSources();
    return touched;
  }

  offerDispatch(): void {
    this.#tables.offer(['filter'], workloadDispatchChains(this.#owners.keys(), this.#config));
  }

  offerFloatingIps(): void {
    const ips = [...this.#owners.values()].flatMap(({ endpoint }) => endpoint.nats);
    this.#tables.offer(['nat'], (family) => floatingIpChains(ips, family));
  }

  offerAllowedSources(): void {
    const owners = [...this.#owners.values()].map(({ endpoint }) => endpoint);
    this.#tables.offer(['raw'], (family) => [allowedSourcesChain(owners, family)]);
  }
}

function first(claims: ReadonlyMap<IdKey, LocalWorkload> | undefined): LocalWorkload | undefined {
  const [key] = [...(claims?.keys() ?? [])].toSorted();
  return key === undefined ? undefined : claims?.get(key);
}
