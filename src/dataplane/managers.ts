/** The managers of one dataplane, each of which keeps what one kind of update adds up to. */
import type { DataplaneUpdate } from '../calc/index.ts';
import { type Route, routeKey } from '../drivers/routes/index.ts';
import type { IPPool } from '../model/index.ts';
import type { Cidr, Family, Ip } from '../net/index.ts';
import { forwardChains, type RulesConfig } from '../rules/index.ts';
import { Bandwidths } from './bandwidths.ts';
import { Claims } from './claims.ts';
import { CodePoints } from './code-points.ts';
import type { DataplaneConfig } from './config.ts';
import type { Drivers } from './drivers.ts';
import { Faults } from './faults.ts';
import { HostEndpoints } from './host-endpoints.ts';
import type { WarningLog } from './log.ts';
import { NeighbourWarnings } from './neighbour-warnings.ts';
import { Policies } from './policies.ts';
import { type EveryRoute, Reachability } from './reachability.ts';
import { Sets } from './sets.ts';
import { Tables } from './tables.ts';
import { Tunnels } from './tunnels.ts';
import { Workloads } from './workloads.ts';

type Handlers = {
  readonly [T in DataplaneUpdate['type']]?: (update: Extract<DataplaneUpdate, { type: T }>) => void;
};

export class Managers {
  /** What of them threw, and waits for another try. */
  readonly faults = new Faults();
  readonly tables: Tables;
  readonly sets: Sets;
  readonly policies: Policies;
  readonly workloads: Workloads;
  readonly hostEndpoints: HostEndpoints;
  readonly #neighbourWarnings: NeighbourWarnings;
  readonly bandwidths: Bandwidths;
  readonly codePoints: CodePoints;
  /** One for each family. */
  readonly reachability: ReadonlyMap<Family, Reachability>;
  readonly tunnels: Tunnels;
  readonly #drivers: Drivers;
  readonly #rules: RulesConfig;
  #services: readonly Cidr[] = [];
  readonly #excluded: readonly RegExp[];
  /** Interfaces of workloads that not all of those who follow them have been told of. */
  readonly #toPlace = new Set<string>();

  /** Who hears of what. */
  readonly #handlers: Handlers = {
    set: ({ id, setType, members }) => this.sets.set(id, setType, members),
    'set-delta': ({ id, added, removed }) => this.sets.change(id, added, removed),
    'set-gone': ({ id }) => this.sets.remove(id),
    policy: ({ policy }) => {
      this.policies.set(policy);
      this.#neighbourWarnings.onPolicy(policy.id);
    },
    'policy-gone': ({ id }) => this.policies.remove(id),
    profile: ({ profile }) => {
      this.policies.setProfile(profile);
      this.#neighbourWarnings.onProfile(profile.name);
    },
    'profile-gone': ({ name }) => this.policies.removeProfile(name),
    workload: ({ workload }) => this.workloads.set(workload),
    'workload-gone': ({ id }) => this.workloads.remove(id),
    'host-endpoint': ({ hostEndpoint }) => this.hostEndpoints.set(hostEndpoint),
    'host-endpoint-gone': ({ id }) => this.hostEndpoints.remove(id),
    pool: ({ pool }) => this.#setPool(pool.id, pool),
    'pool-gone': ({ id }) => this.#setPool(id, null),
    node: ({ node, local }) => {
      this.sets.setNode(node.id, node);
      if (local) this.tunnels.setNode(node);
    },
    'node-gone': ({ id, local }) => {
      this.sets.setNode(id, null);
      if (local) this.tunnels.setNode(undefined);
    },
    'service-prefixes': ({ prefixes }) => this.#onServices(prefixes),
    vtep: ({ vtep }) => this.tunnels.setVtep(vtep),
    'vtep-gone': ({ node, family }) => this.tunnels.removeVtep(node, family),
    route: ({ route }) => this.tunnels.setRoute(route),
    'route-gone': ({ dst }) => this.tunnels.removeRoute(dst),
  };

  constructor(config: DataplaneConfig, drivers: Drivers, log: WarningLog) {
    const { rules } = config;
    const tables = new Tables(drivers.iptables, rules, drivers.ipsets.gaps);
    this.tables = tables;
    this.#rules = rules;
    this.#excluded = config.excludedInterfaces.map((pattern) => new RegExp(pattern));
    this.#drivers = drivers;
    this.sets = new Sets(drivers.ipsets, tables, config);
    this.policies = new Policies(tables, rules);
    this.workloads = new Workloads(tables, this.policies, rules, this.faults);
    this.hostEndpoints = new HostEndpoints(tables, this.policies, rules, this.faults);
    this.#neighbourWarnings = new NeighbourWarnings(this.policies, rules, log);
    this.bandwidths = new Bandwidths(drivers.qdiscs);
    this.codePoints = new CodePoints(tables);
    const claims = new Claims<Route>(drivers.routes, routeKey);
    const route = (family: Family) => everyRoute(config, family);
    this.reachability = new Map(
      tables.families.map((family) => [family, new Reachability(drivers, claims, family, route(family))]),
    );
    this.tunnels = new Tunnels({ config, drivers, claims, route, log });
    this.workloads.offerDispatch();
    this.workloads.offerFloatingIps();
    this.workloads.offerAllowedSources();
  }

  onUpdate(update: DataplaneUpdate): void {
    const handle = this.#handlers[update.type] as ((update: DataplaneUpdate) => void) | undefined;
    handle?.(update);
  }

  onAddresses(): void {
    this.hostEndpoints.onAddresses();
    this.tunnels.onAddresses();
  }

  #setPool(id: IPPool['id'], pool: IPPool | null): void {
    this.sets.setPool(id, pool);
    this.codePoints.setPool(id, pool);
    this.tunnels.setPool(id, pool);
  }

  /** Brings the drivers' desired state up to date with the updates so far. What throws is in `faults`; the rest is done. */
  settle(): void {
    const { faults } = this;
    this.tables.mend();
    faults.attempt('tunnels', () => this.#settleTunnels());
    faults.attempt('sets of pools and hosts', () => this.sets.settle());
    faults.attempt('workloads', () => {
      for (const name of this.workloads.settle()) this.#toPlace.add(name);
    });
    for (const name of this.#toPlace)
      if (faults.attempt(`what follows interface ${name}`, () => this.#place(name))) this.#toPlace.delete(name);
    faults.attempt('code points', () => this.codePoints.settle());
    faults.attempt('host endpoints', () => this.#settleHosts());
  }

  #place(name: string): void {
    const owner = this.workloads.owners.get(name);
    for (const family of this.reachability.values()) family.set(name, owner);
    this.bandwidths.set(name, owner);
    this.codePoints.set(name, owner);
  }

  #settleHosts(): void {
    const hosts = this.hostEndpoints.settle(() => this.#interfaces());
    if (!this.tables.families.includes(6)) return;
    this.#neighbourWarnings.settle(hosts, this.hostEndpoints.byInterface, () => this.#ownInterfaces());
  }

  /** The family's chains are in the kernel: what they are for may come. */
  open(family: Family): void {
    this.reachability.get(family)?.open();
    this.tunnels.open(family);
  }

  #onServices(prefixes: readonly Cidr[]): void {
    this.#services = prefixes;
    this.tables.offer(['filter'], (family) => forwardChains(this.#rules, family, prefixes));
  }

  #settleTunnels(): void {
    const rules = this.tunnels.settle();
    if (!rules) return;
    this.sets.setIpip(rules.ipip);
    this.tables.offerStatic(rules);
    this.#onServices(this.#services);
  }

  /** Those by which the host itself talks to others. */
  #ownInterfaces(): ReadonlyMap<string, readonly Ip[]> {
    const found = this.#interfaces();
    for (const name of ['lo', ...this.workloads.owners.keys()]) found.delete(name);
    return found;
  }

  #interfaces(): Map<string, Ip[]> {
    const { links } = this.#drivers;
    const present = [...links.links()].filter(({ name }) => !this.#excluded.some((pattern) => pattern.test(name)));
    const byIndex = new Map(present.map(({ index, name }) => [index, { name, ips: [] as Ip[] }]));
    for (const { index, address } of links.addresses()) byIndex.get(index)?.ips.push(address);
    return new Map([...byIndex.values()].map(({ name, ips }) => [name, ips]));
  }
}

function everyRoute({ routeProtocol, routeSources }: DataplaneConfig, family: Family): EveryRoute {
  const source = routeSources[family];
  return { protocol: routeProtocol, ...(source && { source }) };
}
