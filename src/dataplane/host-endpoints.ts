/** Host endpoints: which interfaces they are, their chains, and the dispatch to them. */
import type { LocalHostEndpoint } from '../calc/index.ts';
import { type IdKey, idKey, type ResourceId } from '../model/index.ts';
import type { Ip } from '../net/index.ts';
import {
  HOST_DISPATCH,
  type HostEndpointChains,
  hostDispatchChains,
  hostEndpointChains,
  type RulesConfig,
  resolveHostEndpoints,
} from '../rules/index.ts';
import { closedHost } from './closed.ts';
import { type Faults, hostSubject } from './faults.ts';
import type { Policies } from './policies.ts';
import type { Tables } from './tables.ts';

const TABLES = ['raw', 'mangle', 'filter'] as const;
type HostTable = (typeof TABLES)[number];

export class HostEndpoints {
  readonly #tables: Tables;
  readonly #policies: Policies;
  readonly #config: RulesConfig;
  readonly #byId = new Map<IdKey, LocalHostEndpoint>();
  /** Names of the chains that were offered last, by table. */
  #offered: Record<HostTable, ReadonlySet<string>> = { raw: new Set(), mangle: new Set(), filter: new Set() };
  #byInterface: ReadonlyMap<string, LocalHostEndpoint> = new Map();
  #touched = true;
  #settled = false;
  readonly #faults: Faults;

  constructor(tables: Tables, policies: Policies, config: RulesConfig, faults: Faults) {
    this.#faults = faults;
    this.#tables = tables;
    this.#policies = policies;
    this.#config = config;
  }

  get all(): ReadonlyMap<IdKey, LocalHostEndpoint> {
    return this.#byId;
  }

  /** Interface → its endpoint; `*`: that of all others. */
  get byInterface(): ReadonlyMap<string, LocalHostEndpoint> {
    return this.#byInterface;
  }

  /** Has anything changed since the last call? */
  takeTouched(): boolean {
    const settled = this.#settled;
    this.#settled = false;
    return settled;
  }

  set(host: LocalHostEndpoint): void {
    this.#byId.set(idKey(host.endpoint.id), host);
    this.#touched = true;
  }

  remove(id: ResourceId): void {
    this.#byId.delete(idKey(id));
    this.#touched = true;
  }

  /** Addresses of interfaces changed: endpoints known by their addresses may be elsewhere now. */
  onAddresses(): void {
    if (this.#byId.size > 0) this.#touched = true;
  }

  /**
   * True when which interfaces they are, or what applies to them, may have changed. An endpoint whose chains cannot be made is
   * closed but for failsafe ports, and is tried again with the next call.
   */
  settle(interfaces: () => ReadonlyMap<string, readonly Ip[]>): boolean {
    if (!this.#touched) return false;
    this.#settled = true;
    const before = this.#byInterface.keys();
    this.#byInterface = resolveHostEndpoints(this.#byId.values(), interfaces());
    for (const name of before) if (!this.#byInterface.has(name)) this.#faults.forget(hostSubject(name));
    let isDone = true;
    const hosts = [...this.#byInterface].map(([name, host]) => {
      let chains: HostEndpointChains | undefined;
      const make = () => {
        chains = hostEndpointChains(host, name, this.#policies.storedName, this.#config);
      };
      isDone = this.#faults.attempt(hostSubject(name), make) && isDone;
      return [name, chains ?? closedHost(host, name, this.#config)] as const;
    });
    for (const table of TABLES) this.#offer(table, hosts);
    this.#touched = !isDone;
    return true;
  }

  #offer(table: HostTable, hosts: readonly (readonly [string, HostEndpointChains])[]): void {
    const present = hosts.filter(([, chains]) => chains[table].length > 0);
    const chains = present.flatMap(([, found]) => found[table]);
    const names = new Set(chains.map(({ name }) => name));
    const dispatch = hostDispatchChains(
      present.map(([name]) => name),
      HOST_DISPATCH[table],
    );
    // The dispatch last: it leads to what is there then.
    this.#tables.offer([table], [...chains, ...dispatch]);
    this.#tables.withdraw(
      [table],
      [...this.#offered[table]].filter((name) => !names.has(name)),
    );
    this.#offered[table] = names;
  }
}
