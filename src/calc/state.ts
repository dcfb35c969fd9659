/** Everything that the dataplane updates so far add up to. */
import { type IdKey, type IPPool, idKey, type Node } from '../model/index.ts';
import type { Cidr, Family } from '../net/index.ts';
import type {
  ActivePolicy,
  ActiveProfile,
  DataplaneUpdate,
  LocalHostEndpoint,
  LocalWorkload,
  RemoteRoute,
  SetId,
  SetMember,
  SetType,
  Vtep,
} from './output.ts';

type Parameters = Readonly<Record<string, string>>;

type Handlers = {
  readonly [T in DataplaneUpdate['type']]: (update: Extract<DataplaneUpdate, { readonly type: T }>) => void;
};

export class DataplaneState {
  readonly sets = new Map<SetId, { readonly type: SetType; readonly members: Set<SetMember> }>();
  readonly policies = new Map<IdKey, ActivePolicy>();
  readonly profiles = new Map<string, ActiveProfile>();
  readonly workloads = new Map<IdKey, LocalWorkload>();
  readonly hostEndpoints = new Map<IdKey, LocalHostEndpoint>();
  readonly pools = new Map<IdKey, IPPool>();
  readonly nodes = new Map<IdKey, Node>();
  readonly vteps = new Map<string, Vtep>();
  readonly routes = new Map<Cidr, RemoteRoute>();
  servicePrefixes: readonly Cidr[] = [];
  /** Null until it has been told. */
  config: { readonly global: Parameters; readonly node: Parameters } | null = null;
  inSync = false;

  /** Maps are keyed by `idKey` of the resource's id, profiles by name, sets by id, tunnel ends by `vtepKey`, routes by destination. */
  readonly #handlers: Handlers = {
    config: ({ global, node }) => {
      this.config = { global, node };
    },
    set: ({ id, setType, members }) => this.sets.set(id, { type: setType, members: new Set(members) }),
    'set-delta': ({ id, added, removed }) => {
      const members = this.sets.get(id)?.members;
      for (const member of removed) members?.delete(member);
      for (const member of added) members?.add(member);
    },
    'set-gone': ({ id }) => this.sets.delete(id),
    policy: ({ policy }) => this.policies.set(idKey(policy.id), policy),
    'policy-gone': ({ id }) => this.policies.delete(idKey(id)),
    profile: ({ profile }) => this.profiles.set(profile.name, profile),
    'profile-gone': ({ name }) => this.profiles.delete(name),
    workload: ({ workload }) => this.workloads.set(idKey(workload.endpoint.id), workload),
    'workload-gone': ({ id }) => this.workloads.delete(idKey(id)),
    'host-endpoint': ({ hostEndpoint }) => this.hostEndpoints.set(idKey(hostEndpoint.endpoint.id), hostEndpoint),
    'host-endpoint-gone': ({ id }) => this.hostEndpoints.delete(idKey(id)),
    pool: ({ pool }) => this.pools.set(idKey(pool.id), pool),
    'pool-gone': ({ id }) => this.pools.delete(idKey(id)),
    node: ({ node }) => this.nodes.set(idKey(node.id), node),
    'node-gone': ({ id }) => this.nodes.delete(idKey(id)),
    vtep: ({ vtep }) => this.vteps.set(vtepKey(vtep), vtep),
    'vtep-gone': (end) => this.vteps.delete(vtepKey(end)),
    route: ({ route }) => this.routes.set(route.dst, route),
    'route-gone': ({ dst }) => this.routes.delete(dst),
    'service-prefixes': ({ prefixes }) => {
      this.servicePrefixes = prefixes;
    },
    'in-sync': () => {
      this.inSync = true;
    },
  };

  apply(update: DataplaneUpdate): void {
    (this.#handlers[update.type] as (update: DataplaneUpdate) => void)(update);
  }
}

export const vtepKey = ({ node, family }: { node: string; family: Family }): string => `IPv${family} ${node}`;
