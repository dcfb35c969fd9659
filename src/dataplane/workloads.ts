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
import { closedChain } from './closed.ts';
import { type Faults, interfaceSubject } from './faults.ts';
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
  readonly #faults: Faults;
  /** Chains of all of them that are to be offered. */
  readonly #stale = new Set<'offerDispatch' | 'offerFloatingIps' | 'offerAllowedSources'>();

  constructor(tables: Tables, policies: Policies, config: RulesConfig, faults: Faults) {
    this.#tables = tables;
    this.#policies = policies;
    this.#config = config;
    this.#faults = faults;
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

  /**
   * Offers the chains of what changed. Returns the interfaces that it touched. One whose chains cannot be made is closed, and
   * is tried again with the next call.
   */
  settle(): ReadonlySet<string> {
    const touched = new Set(this.#touched);
    for (const name of touched) {
      const before = this.#owners.get(name);
      const after = first(this.#claims.get(name));
      for (const id of this.claimants(name)) this.#touchedIds.add(id);
      if (after) this.#owners.set(name, after);
      else this.#owners.delete(name);
      if ((before === undefined) !== (after === undefined)) this.#stale.add('offerDispatch');
      if ((before?.endpoint.nats.length ?? 0) + (after?.endpoint.nats.length ?? 0) > 0)
        this.#stale.add('offerFloatingIps');
      if ((before?.endpoint.allowedSources ?? after?.endpoint.allowedSources) !== undefined)
        this.#stale.add('offerAllowedSources');
      if (this.#faults.attempt(interfaceSubject(name), () => this.#offer(name, after))) this.#touched.delete(name);
    }
    for (const offer of this.#stale)
      if (this.#faults.attempt(`workloads: ${offer}`, () => this[offer]())) this.#stale.delete(offer);
    return touched;
  }

  #offer(name: string, owner: LocalWorkload | undefined): void {
    const chains = (['toWorkload', 'fromWorkload'] as const).map((kind) => endpointChainName(kind, name));
    if (!owner) {
      this.#tables.withdraw(['filter'], chains);
      return;
    }
    try {
      this.#tables.offer(['filter'], workloadChains(owner, this.#policies.storedName, this.#config));
    } catch (error) {
      this.#tables.offer(['filter'], chains.map(closedChain));
      throw error;
    }
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
