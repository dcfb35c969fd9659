/**
 * The calculation graph of one host, assembled: updates of the syncer in, dataplane updates out.
 *
 *     updates ─┬─ endpoints, network sets ──────────────► SetMembers ──► sets
 *              ├─ local endpoints, policies, tiers, profiles ► ActiveRules ─► policies, profiles
 *              │                                           │      └─ RuleScanner: which sets are needed ─► SetMembers
 *              │                                           └─ matches ─► EndpointResolver ──► workloads, host endpoints
 *              ├─ configuration ────────────────────────► Config
 *              ├─ pools, nodes, blocks, endpoints ──────► RemoteRoutes ─► routes to other hosts, ends of their tunnels
 *              └─ pools, nodes ─────────────────────────► told as they are
 *
 * Updates are indexed as they come; what follows from them is worked out once a flush.
 */
import type { CalicoError } from '../errors/index.ts';
import {
  type HostEndpoint,
  type IdKey,
  type Invalid,
  type IPPool,
  idKey,
  type Kind,
  type NetworkSet,
  type Node,
  type Policy,
  type Profile,
  type ResourceId,
  type SyncerSink,
  type SyncStatus,
  type Update,
  type Values,
  type WorkloadEndpoint,
} from '../model/index.ts';
import { cidrOf } from '../net/index.ts';
import { ActiveRules } from './active-rules.ts';
import { Config } from './config.ts';
import { EndpointResolver } from './endpoint-resolver.ts';
import type { DataplaneUpdate } from './output.ts';
import { Pending } from './pending.ts';
import { RemoteRoutes, type RouteSource } from './remote-routes.ts';
import { RuleScanner } from './rule-scanner.ts';
import { SelectorCache } from './selector-cache.ts';
import { ServicePrefixes } from './service-prefixes.ts';
import { SetMembers } from './set-members.ts';
import { newCounters, type Work } from './work.ts';

export interface InvalidResource extends Invalid {
  readonly id: ResourceId;
}

export interface GraphSizes {
  /** Valid resources of the cluster. */
  resources(kind: Kind): number;
  /** What this host needs. */
  readonly active: Readonly<Record<'workloads' | 'hostEndpoints' | 'policies' | 'profiles' | 'sets', number>>;
  readonly parsedSelectors: number;
}

type Handlers = { readonly [K in Kind]?: (key: IdKey, value: Values[K] | null, id: ResourceId<K>) => void };

export class CalcGraph implements SyncerSink {
  readonly #node: string;
  readonly #counters = newCounters();
  readonly #selectors = new SelectorCache();
  readonly #members = new SetMembers(this.#counters);
  readonly #scanner = new RuleScanner(this.#selectors, this.#members, this.#counters);
  readonly #endpoints = new EndpointResolver(this.#counters);
  readonly #rules: ActiveRules;
  readonly #config: Config;
  readonly #services = new ServicePrefixes();
  readonly #pools = new Pending<IdKey, IPPool>();
  readonly #nodes = new Pending<IdKey, Node>();
  readonly #routes: RemoteRoutes;
  readonly #invalid = new Map<IdKey, InvalidResource>();
  /** Resources whose present value is a good one, by kind. */
  readonly #good = new Map<Kind, Set<IdKey>>();
  #inSync: 'no' | 'to-tell' | 'told' = 'no';

  /** Which node of the graph hears of what. Of BGP's resources only services concern anybody here. */
  readonly #handlers: Handlers = {
    WorkloadEndpoint: (key, value) => {
      this.#onEndpoint(key, value, value?.nets ?? []);
      this.#routes.setWorkload(key, value);
    },
    HostEndpoint: (key, value) => this.#onEndpoint(key, value, value?.expectedIps.map((ip) => cidrOf(ip)) ?? []),
    NetworkSet: (key, value) => this.#onNetworkSet(key, value),
    GlobalNetworkSet: (key, value) => this.#onNetworkSet(key, value),
    NetworkPolicy: (key, value) => this.#onPolicy(key, value),
    GlobalNetworkPolicy: (key, value) => this.#onPolicy(key, value),
    Profile: (_, value, { name }) => this.#onProfile(name, value),
    Tier: (_, value, { name }) => this.#rules.setTier(name, value),
    FelixConfiguration: (_, value, { name }) => this.#config.setConfiguration(name, value),
    ClusterInformation: (_, value, { name }) => this.#config.setCluster(name, value),
    BGPConfiguration: (_, value, { name }) => this.#services.set(name, value),
    IPPool: (key, value) => {
      passOn(this.#pools, key, value);
      this.#routes.setPool(key, value);
    },
    Node: (key, value, { name }) => {
      passOn(this.#nodes, key, value);
      this.#routes.setNode(name, value);
    },
    IPAMBlock: (key, value) => this.#routes.setBlock(key, value),
  };

  constructor(options: { node: string }) {
    this.#node = options.node;
    this.#config = new Config(options.node);
    this.#routes = new RemoteRoutes(options.node);
    this.#rules = new ActiveRules({
      selectors: this.#selectors,
      scanner: this.#scanner,
      endpoints: this.#endpoints,
      report: (id, error) => this.#report(id, error),
    });
  }

  /** Resources that cannot be used as they stand in the datastore. */
  get invalid(): ReadonlyMap<IdKey, InvalidResource> {
    return this.#invalid;
  }

  /** How much of what there is: for metrics. Everything under `active` is as of the last flush. */
  get sizes(): GraphSizes {
    const { policies, profiles } = this.#rules;
    const { workloads, hostEndpoints } = this.#endpoints;
    return {
      resources: (kind) => this.#good.get(kind)?.size ?? 0,
      active: {
        workloads: workloads.size,
        hostEndpoints: hostEndpoints.size,
        policies: policies.size,
        profiles: profiles.size,
        sets: this.#members.size,
      },
      parsedSelectors: this.#selectors.size,
    };
  }

  get work(): Work {
    return { ...this.#counters, labelsEvaluated: this.#members.evaluations + this.#rules.evaluations };
  }

  /** Takes effect with the next flush, or with the one that is just telling the configuration. */
  setRouteSource(source: RouteSource): void {
    this.#routes.setSource(source);
  }

  onUpdates(updates: readonly Update[]): void {
    for (const update of updates) this.#onUpdate(update);
  }

  onStatus(status: SyncStatus): void {
    if (status === 'in-sync' && this.#inSync === 'no') this.#inSync = 'to-tell';
  }

  /**
   * Tells what has changed since the last flush, each thing once, in an order in which every update may be applied
   * by itself: nothing is named before it has been told or after it is gone. Endpoints go before others come, so that
   * no two claim the same interface or address.
   *
   * Before the datastore is in sync this tells what is known so far, but no `config`: half a configuration is a wrong
   * one. `config` is the first and `in-sync` the last update of the flush that follows.
   */
  flush(emit: (update: DataplaneUpdate) => void): void {
    this.#rules.settle();
    this.#endpoints.settle();
    if (this.#inSync !== 'no') this.#config.updates(emit);
    this.#flushNetwork(emit);

    const { policies, profiles } = this.#rules;
    const { workloads, hostEndpoints } = this.#endpoints;
    this.#members.updates(emit);
    policies.updates((policy) => emit({ type: 'policy', policy }));
    profiles.updates((profile) => emit({ type: 'profile', profile }));
    workloads.removals(({ endpoint }) => emit({ type: 'workload-gone', id: endpoint.id }));
    hostEndpoints.removals(({ endpoint }) => emit({ type: 'host-endpoint-gone', id: endpoint.id }));
    workloads.updates((workload) => emit({ type: 'workload', workload }));
    hostEndpoints.updates((hostEndpoint) => emit({ type: 'host-endpoint', hostEndpoint }));
    profiles.removals(({ name }) => emit({ type: 'profile-gone', name }));
    policies.removals(({ id }) => emit({ type: 'policy-gone', id }));
    this.#members.removals(emit);

    if (this.#inSync !== 'to-tell') return;
    this.#inSync = 'told';
    emit({ type: 'in-sync' });
  }

  /**
   * The next flush tells everything there is, as the first one did: to somebody new, or to who has heard some of it. So it
   * also tells what is gone and has not been told as gone, which means nothing to who never heard of it.
   */
  retell(): void {
    const { policies, profiles } = this.#rules;
    const { workloads, hostEndpoints } = this.#endpoints;
    const network = [this.#pools, this.#nodes, this.#services, this.#routes];
    for (const part of [this.#config, ...network, this.#members, policies, profiles, workloads, hostEndpoints])
      part.retell();
    if (this.#inSync === 'told') this.#inSync = 'to-tell';
  }

  #flushNetwork(emit: (update: DataplaneUpdate) => void): void {
    this.#pools.removals(({ id }) => emit({ type: 'pool-gone', id }));
    this.#pools.updates((pool) => emit({ type: 'pool', pool }));
    this.#nodes.removals(({ id }) => emit({ type: 'node-gone', id, local: id.name === this.#node }));
    this.#nodes.updates((node) => emit({ type: 'node', node, local: node.id.name === this.#node }));
    this.#services.updates(emit);
    this.#routes.settle();
    this.#routes.updates(emit);
  }

  #onUpdate(update: Update): void {
    const { id, value, invalid } = update;
    const key = idKey(id);
    const good = this.#goodOf(id.kind);
    if (invalid) {
      this.#invalid.set(key, { id, ...invalid });
      if (good.has(key)) return;
    } else {
      this.#invalid.delete(key);
      if (value) good.add(key);
      else good.delete(key);
    }
    const handle = this.#handlers[id.kind] as ((key: IdKey, value: unknown, id: ResourceId) => void) | undefined;
    handle?.(key, value, id);
  }

  #goodOf(kind: Kind): Set<IdKey> {
    let good = this.#good.get(kind);
    if (!good) {
      good = new Set();
      this.#good.set(kind, good);
    }
    return good;
  }

  #report(id: ResourceId, error: CalicoError): void {
    this.#invalid.set(idKey(id), { id, code: error.code, reason: error.message });
  }

  #onEndpoint(key: IdKey, value: WorkloadEndpoint | HostEndpoint | null, nets: WorkloadEndpoint['nets']): void {
    if (value) this.#members.setItem(key, value.labels, value.profiles, { nets, ports: value.ports });
    else this.#members.removeItem(key);
    if (value?.node === this.#node) {
      this.#endpoints.setEndpoint(key, value);
      this.#rules.setEndpoint(key, value.labels, value.profiles);
    } else if (this.#endpoints.has(key)) {
      this.#rules.removeEndpoint(key);
      this.#endpoints.removeEndpoint(key);
    }
  }

  #onNetworkSet(key: IdKey, value: NetworkSet | null): void {
    if (value) this.#members.setItem(key, value.labels, value.profiles, { nets: value.nets, ports: [] });
    else this.#members.removeItem(key);
  }

  #onPolicy(key: IdKey, value: Policy | null): void {
    if (value) this.#rules.setPolicy(key, value);
    else this.#rules.removePolicy(key);
  }

  #onProfile(name: string, value: Profile | null): void {
    if (value) {
      this.#rules.setProfile(value);
      this.#members.setProfileLabels(name, value.labelsToApply);
    } else {
      this.#rules.removeProfile(name);
      this.#members.removeProfileLabels(name);
    }
  }
}

function passOn<V>(pending: Pending<IdKey, V>, key: IdKey, value: V | null): void {
  if (value) pending.put(key, value);
  else pending.remove(key);
}
