/** The managers of one dataplane, each of which keeps what one kind of update adds up to. */
import type { DataplaneUpdate } from '../calc/index.ts';
import { type Route, routeKey } from '../drivers/routes/index.ts';
import type { IPPool } from '../model/index.ts';
import { type Cidr, type Family, familyOf, type Ip } from '../net/index.ts';
import { forwardChains, type RulesConfig } from '../rules/index.ts';
import { Bandwidths } from './bandwidths.ts';
import { Claims } from './claims.ts';
import { CodePoints } from './code-points.ts';
import type { DataplaneConfig } from './config.ts';
import type { Drivers } from './drivers.ts';
import { Faults } from './faults.ts';
import { HostEndpoints } from './host-endpoints.ts';
import { NeighbourWarnings, type WarningLog } from './neighbour-warnings.ts';
import { Policies } from './policies.ts';
import { type EveryRoute, Reachability } from './reachability.ts';
import { Sets } from './sets.ts';
import { Tables } from './tables.ts';
import { Vxlan } from './vxlan.ts';
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
  /** IPv4's. */
  readonly vxlan: Vxlan;
  readonly #drivers: Drivers;
  readonly #rules: RulesConfig;
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
    node: ({ node }) => this.sets.setNode(node.id, node),
    'node-gone': ({ id }) => this.sets.setNode(id, null),
    'service-prefixes': ({ prefixes }) => this.#onServices(prefixes),
    vtep: ({ vtep }) => vtep.family === 4 && this.vxlan.setVtep(vtep),
    'vtep-gone': ({ node, family }) => family === 4 && this.vxlan.removeVtep(node),
    route: ({ route }) => familyOf(route.dst) === 4 && this.vxlan.setRoute(route),
    'route-gone': ({ dst }) => familyOf(dst) === 4 && this.vxlan.removeRoute(dst),
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
    const routes = new Claims<Route>(drivers.routes, routeKey);
    this.reachability = new Map(
      tables.families.map((family) => [family, new Reachability(drivers, routes, family, everyRoute(config, family))]),
    );
    this.vxlan = new Vxlan(drivers, routes, {
      ...config,
      family: 4,
      config: config.vxlan,
      route: everyRoute(config, 4),
    });
    tables.offerStatic(rules);
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
    this.vxlan.onAddresses();
  }

  #setPool(id: IPPool['id'], pool: IPPool | null): void {
    this.sets.setPool(id, pool);
    this.codePoints.setPool(id, pool);
  }

  /** Brings the drivers' desired state up to date with the updates so far. What throws is in `faults`; the rest is done. */
  settle(): void {
    const { faults } = this;
    this.tables.mend();
    faults.attempt('sets of pools and hosts', () => this.sets.settle());
    faults.attempt('workloads', () => {
      for (const name of this.workloads.settle()) this.#toPlace.add(name);
    });
    for (const name of this.#toPlace)
      if (faults.attempt(`what follows interface ${name}`, () => this.#place(name))) this.#toPlace.delete(name);
    faults.attempt('code points', () => this.codePoints.settle());
    faults.attempt('host endpoints', () => this.#settleHosts());
    faults.attempt('VXLAN', () => this.vxlan.settle());
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
    if (family === 4) this.vxlan.open();
  }

  #onServices(prefixes: readonly Cidr[]): void {
    this.tables.offer(['filter'], (family) => forwardChains(this.#rules, family, prefixes));
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
