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
  /** Null until it has been told. */
  config: { readonly global: Parameters; readonly node: Parameters } | null = null;
  inSync = false;

  /** Maps are keyed by `idKey` of the resource's id, profiles by name, sets by id, tunnel ends by `vtepKey`, routes by destination. */
  apply(update: DataplaneUpdate): void {
    switch (update.type) {
      case 'config':
        this.config = { global: update.global, node: update.node };
        return;
      case 'set':
        this.sets.set(update.id, { type: update.setType, members: new Set(update.members) });
        return;
      case 'set-delta': {
        const members = this.sets.get(update.id)?.members;
        for (const member of update.removed) members?.delete(member);
        for (const member of update.added) members?.add(member);
        return;
      }
      case 'set-gone':
        this.sets.delete(update.id);
        return;
      case 'policy':
        this.policies.set(idKey(update.policy.id), update.policy);
        return;
      case 'policy-gone':
        this.policies.delete(idKey(update.id));
        return;
      case 'profile':
        this.profiles.set(update.profile.name, update.profile);
        return;
      case 'profile-gone':
        this.profiles.delete(update.name);
        return;
      case 'workload':
        this.workloads.set(idKey(update.workload.endpoint.id), update.workload);
        return;
      case 'workload-gone':
        this.workloads.delete(idKey(update.id));
        return;
      case 'host-endpoint':
        this.hostEndpoints.set(idKey(update.hostEndpoint.endpoint.id), update.hostEndpoint);
        return;
      case 'host-endpoint-gone':
        this.hostEndpoints.delete(idKey(update.id));
        return;
      case 'pool':
        this.pools.set(idKey(update.pool.id), update.pool);
        return;
      case 'pool-gone':
        this.pools.delete(idKey(update.id));
        return;
      case 'node':
        this.nodes.set(idKey(update.node.id), update.node);
        return;
      case 'node-gone':
        this.nodes.delete(idKey(update.id));
        return;
      case 'vtep':
        this.vteps.set(vtepKey(update.vtep), update.vtep);
        return;
      case 'vtep-gone':
        this.vteps.delete(vtepKey(update));
        return;
      case 'route':
        this.routes.set(update.route.dst, update.route);
        return;
      case 'route-gone':
        this.routes.delete(update.dst);
        return;
      case 'in-sync':
        this.inSync = true;
    }
  }
}

export const vtepKey = ({ node, family }: { node: string; family: Family }): string => `IPv${family} ${node}`;
