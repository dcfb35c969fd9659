/**
 * How this host reaches the workloads of others, where that is Felix's to say: by VXLAN, or in a cross-subnet pool
 * directly.
 *
 *     blocks (or the endpoints' own addresses) ─► claims: destination → hosts ─┐
 *     pools ─► is it VXLAN? ───────────────────────────────────────────────────┼─► RemoteRoute
 *     nodes ─► tunnel and host addresses ──────────────────────────────────────┘
 *
 * A change marks the destinations that it may concern; `settle` works out those.
 */
import type { IdKey, IPAMBlock, IPPool, Node, WorkloadEndpoint } from '../model/index.ts';
import { type Cidr, cidrOf, contains, type Family, familyOf } from '../net/index.ts';
import type { DataplaneUpdate, RemoteRoute, Vtep } from './output.ts';
import { Pending } from './pending.ts';
import { PoolTable } from './pool-table.ts';
import { vtepOf } from './vtep.ts';

/** `CalicoIPAM`: blocks, and addresses that another host borrows from them. `WorkloadIPs`: the endpoints' addresses. */
export type RouteSource = 'CalicoIPAM' | 'WorkloadIPs';

interface Claim {
  readonly host: string;
  readonly destinations: readonly Cidr[];
}

const FAMILIES: readonly Family[] = [4, 6];

export class RemoteRoutes {
  readonly #node: string;
  #source: RouteSource = 'CalicoIPAM';
  readonly #claims: Readonly<Record<RouteSource, Map<IdKey, readonly Claim[]>>> = {
    CalicoIPAM: new Map(),
    WorkloadIPs: new Map(),
  };
  /** Destination → who claims it for which host; of the source in force. */
  readonly #claimants = new Map<Cidr, Map<IdKey, string>>();
  readonly #byHost = new Map<string, Map<Cidr, number>>();
  readonly #nodes = new Map<string, Node>();
  readonly #pools = new PoolTable();
  readonly #touched = new Set<Cidr>();
  readonly #routes = new PendingChanges<Cidr, RemoteRoute>();
  readonly #vteps = new PendingChanges<string, Vtep>();

  constructor(node: string) {
    this.#node = node;
  }

  setSource(source: RouteSource): void {
    if (source === this.#source) return;
    for (const [key, claims] of this.#claims[this.#source]) this.#index(key, claims, false);
    this.#source = source;
    for (const [key, claims] of this.#claims[source]) this.#index(key, claims, true);
  }

  setBlock(key: IdKey, block: IPAMBlock | null): void {
    const claims: Claim[] = block?.host === undefined ? [] : [{ host: block.host, destinations: [block.cidr] }];
    for (const [address, host] of block?.borrowed ?? []) claims.push({ host, destinations: [cidrOf(address)] });
    this.#setClaims('CalicoIPAM', key, claims);
  }

  setWorkload(key: IdKey, workload: WorkloadEndpoint | null): void {
    // One that cannot be read stands in for itself on no host: it must not take the way of another with its addresses.
    const claims = workload?.node ? [{ host: workload.node, destinations: workload.nets }] : [];
    this.#setClaims('WorkloadIPs', key, claims);
  }

  setPool(key: IdKey, pool: IPPool | null): void {
    for (const changed of this.#pools.set(key, pool))
      for (const destination of this.#claimants.keys())
        if (contains(changed, destination)) this.#touched.add(destination);
  }

  setNode(name: string, node: Node | null): void {
    const before = this.#nodes.get(name);
    if (node) this.#nodes.set(name, node);
    else this.#nodes.delete(name);
    for (const family of FAMILIES) {
      const vtep = node && vtepOf(node, family);
      this.#vteps.offer(`${family} ${name}`, vtep ? { ...vtep, local: name === this.#node } : undefined);
    }
    if (same(waysTo(before), waysTo(node))) return;
    // Who is in our subnet depends on what our subnet is.
    const affected = name === this.#node ? this.#claimants : this.#byHost.get(name);
    for (const destination of affected?.keys() ?? []) this.#touched.add(destination);
  }

  settle(): void {
    for (const destination of this.#touched) this.#routes.offer(destination, this.#routeTo(destination));
    this.#touched.clear();
  }

  /** What goes, goes first; a tunnel's end is there before what leads to it. */
  updates(emit: (update: DataplaneUpdate) => void): void {
    this.#routes.removals(({ dst }) => emit({ type: 'route-gone', dst }));
    this.#vteps.removals(({ node, family }) => emit({ type: 'vtep-gone', node, family }));
    this.#vteps.updates((vtep) => emit({ type: 'vtep', vtep }));
    this.#routes.updates((route) => emit({ type: 'route', route }));
  }

  /** The next `updates` tells everything, and what is gone. */
  retell(): void {
    this.#routes.retell();
    this.#vteps.retell();
  }

  #setClaims(source: RouteSource, key: IdKey, claims: readonly Claim[]): void {
    const all = this.#claims[source];
    const before = all.get(key) ?? [];
    if (same(before, claims)) return;
    if (claims.length > 0) all.set(key, claims);
    else all.delete(key);
    if (source !== this.#source) return;
    this.#index(key, before, false);
    this.#index(key, claims, true);
  }

  #index(key: IdKey, claims: readonly Claim[], add: boolean): void {
    for (const { host, destinations } of claims)
      for (const destination of destinations) {
        this.#touched.add(destination);
        const claimants = this.#claimants.get(destination) ?? new Map<IdKey, string>();
        if (add) this.#claimants.set(destination, claimants.set(key, host));
        else if (claimants.delete(key) && claimants.size === 0) this.#claimants.delete(destination);
        this.#countByHost(host, destination, add ? 1 : -1);
      }
  }

  #countByHost(host: string, destination: Cidr, by: 1 | -1): void {
    const counts = this.#byHost.get(host) ?? new Map<Cidr, number>();
    const count = (counts.get(destination) ?? 0) + by;
    if (count > 0) this.#byHost.set(host, counts.set(destination, count));
    else if (counts.delete(destination) && counts.size === 0) this.#byHost.delete(host);
  }

  #routeTo(dst: Cidr): RemoteRoute | undefined {
    const encapsulation = this.#pools.poolOf(dst)?.vxlan ?? 'never';
    // Two hosts claim it while an endpoint moves: the same one for everybody, whatever came first; but what is here is here.
    const hosts = [...(this.#claimants.get(dst)?.values() ?? [])].sort();
    const [name] = hosts;
    if (encapsulation === 'never' || name === undefined || hosts.includes(this.#node)) return undefined;
    const node = this.#nodes.get(name);
    const family = familyOf(dst);
    const host = family === 4 ? node?.ipv4 : node?.ipv6;
    if (!node || !host) return undefined;
    if (encapsulation === 'cross-subnet' && this.#isNear(node, family))
      return { dst, encapsulated: false, gateway: host };
    const vtep = vtepOf(node, family);
    return vtep ? { dst, encapsulated: true, gateway: vtep.address } : undefined;
  }

  /** In this node's subnet, as its own resource has it. */
  #isNear(node: Node, family: Family): boolean {
    const own = this.#nodes.get(this.#node);
    const subnet = family === 4 ? own?.ipv4Net : own?.ipv6Net;
    const address = family === 4 ? node.ipv4 : node.ipv6;
    return subnet !== undefined && address !== undefined && contains(subnet, address);
  }
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What of a node routes depend on. */
function waysTo(node: Node | null | undefined): unknown[] {
  return [node?.ipv4, node?.ipv6, node?.ipv4Net, node?.ipv6Net, node?.ipv4VxlanTunnel, node?.ipv6VxlanTunnel];
}

/** Only what differs is pending. */
class PendingChanges<K, V> extends Pending<K, V> {
  readonly #offered = new Map<K, V>();

  offer(key: K, value: V | undefined): void {
    if (same(this.#offered.get(key), value)) return;
    if (value === undefined) {
      this.#offered.delete(key);
      this.remove(key);
    } else {
      this.#offered.set(key, value);
      this.put(key, value);
    }
  }
}
