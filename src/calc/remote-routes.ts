/**
 * How this host reaches the workloads of others, where that is Felix's to say: by VXLAN, by IP-in-IP, or in a cross-subnet
 * pool directly.
 *
 *     blocks, else the endpoints' own addresses ─► claims: destination → hosts ─┐
 *     pools ─► which encapsulation? ────────────────────────────────────────────┼─► RemoteRoute
 *     nodes ─► tunnel and host addresses ───────────────────────────────────────┘
 *
 * A change marks the destinations that it may concern; `settle` works out those.
 */
import type { IdKey, IPAMBlock, IPPool, Node, WorkloadEndpoint } from '../model/index.ts';
import {
  addressOf,
  type Cidr,
  cidrOf,
  contains,
  type Family,
  familyOf,
  fromBigInt,
  lengthOf,
  maxLength,
  toBigInt,
} from '../net/index.ts';
import type { DataplaneUpdate, RemoteRoute, Vtep } from './output.ts';
import { Pending } from './pending.ts';
import { PoolTable } from './pool-table.ts';
import { PrefixMap } from './prefix-map.ts';
import { type Claim, RemoteClaims } from './remote-claims.ts';
import { vtepOf } from './vtep.ts';

/**
 * `CalicoIPAM`: blocks, and addresses that another host borrows from them; with IP-in-IP also addresses of endpoints that
 * run elsewhere than their block says, or have none (OpenStack gives out addresses itself). `WorkloadIPs`: the endpoints'
 * addresses.
 */
export type RouteSource = 'CalicoIPAM' | 'WorkloadIPs';

const FAMILIES: readonly Family[] = [4, 6];
/** Of IPv4, the length of its prefix. */
const WIDEST_BLOCK = 20;

export class RemoteRoutes {
  readonly #node: string;
  #source: RouteSource = 'CalicoIPAM';
  readonly #touched = new Set<Cidr>();
  readonly #claims: Readonly<Record<RouteSource, RemoteClaims>> = {
    CalicoIPAM: new RemoteClaims(this.#touched),
    WorkloadIPs: new RemoteClaims(this.#touched),
  };
  readonly #blocks = new Map<IdKey, IPAMBlock>();
  readonly #blockByPrefix = new PrefixMap<IPAMBlock>();
  readonly #nodes = new Map<string, Node>();
  readonly #pools = new PoolTable();
  readonly #routes = new PendingChanges<Cidr, RemoteRoute>();
  readonly #vteps = new PendingChanges<string, Vtep>();

  constructor(node: string) {
    this.#node = node;
    this.#use();
  }

  setSource(source: RouteSource): void {
    if (source === this.#source) return;
    this.#source = source;
    this.#use();
    for (const { destinations } of Object.values(this.#claims)) this.#touch(destinations);
  }

  setBlock(key: IdKey, block: IPAMBlock | null): void {
    const before = this.#blocks.get(key);
    if (before) this.#blockByPrefix.delete(before.cidr);
    if (block) this.#blockByPrefix.set(block.cidr, block);
    if (block) this.#blocks.set(key, block);
    else this.#blocks.delete(key);
    if (before?.host !== block?.host) this.#touchWithin((block ?? before)!.cidr);
    const claims: Claim[] = block?.host === undefined ? [] : [{ host: block.host, destinations: [block.cidr] }];
    for (const [address, host] of block?.borrowed ?? []) claims.push({ host, destinations: [cidrOf(address)] });
    this.#claims.CalicoIPAM.set(key, claims);
  }

  setWorkload(key: IdKey, workload: WorkloadEndpoint | null): void {
    // One that cannot be read stands in for itself on no host: it must not take the way of another with its addresses.
    const claims = workload?.node ? [{ host: workload.node, destinations: workload.nets }] : [];
    this.#claims.WorkloadIPs.set(key, claims);
  }

  setPool(key: IdKey, pool: IPPool | null): void {
    const changed = this.#pools.set(key, pool);
    this.#use();
    for (const prefix of changed)
      for (const { destinations } of Object.values(this.#claims))
        for (const destination of destinations) if (contains(prefix, destination)) this.#touched.add(destination);
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
    for (const claims of Object.values(this.#claims))
      this.#touch(name === this.#node ? claims.destinations : claims.destinationsOf(name));
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

  get #asksEndpointsToo(): boolean {
    return this.#source === 'CalicoIPAM' && this.#pools.hasIpip;
  }

  #use(): void {
    this.#claims.CalicoIPAM.use(this.#source === 'CalicoIPAM');
    this.#claims.WorkloadIPs.use(this.#source === 'WorkloadIPs' || this.#asksEndpointsToo);
  }

  #touch(destinations: Iterable<Cidr>): void {
    for (const destination of destinations) this.#touched.add(destination);
  }

  /** The endpoints' addresses in the block. IP-in-IP is IPv4's, whose blocks are small; what is stored as one may not be. */
  #touchWithin(block: Cidr): void {
    if (!this.#asksEndpointsToo || familyOf(block) === 6) return;
    if (lengthOf(block) < WIDEST_BLOCK) {
      for (const dst of this.#claims.WorkloadIPs.destinations) if (contains(block, dst)) this.#touched.add(dst);
      return;
    }
    const first = toBigInt(addressOf(block));
    const size = 1 << (maxLength(4) - lengthOf(block));
    for (let i = 0; i < size; i++) {
      const address = cidrOf(fromBigInt(first + BigInt(i), 4));
      if (this.#claims.WorkloadIPs.has(address)) this.#touched.add(address);
    }
  }

  #routeTo(dst: Cidr): RemoteRoute | undefined {
    const pool = this.#pools.poolOf(dst);
    if (!pool) return undefined;
    // Two hosts claim it while an endpoint moves: the same one for everybody, whatever came first; but what is here is here.
    const hosts = this.#hostsOf(dst, pool).sort();
    const node = this.#nodes.get(hosts[0] ?? '');
    if (!node || hosts.includes(this.#node)) return undefined;
    return this.#wayTo(node, dst, pool);
  }

  #hostsOf(dst: Cidr, pool: IPPool): string[] {
    const stated = this.#claims[this.#source].hostsOf(dst);
    if (this.#source === 'WorkloadIPs' || pool.ipip === 'never') return stated;
    const running = this.#claims.WorkloadIPs.hostsOf(dst);
    if (running.length === 0 || stated.length > 0) return running.length > 0 ? running : stated;
    const block = this.#blockByPrefix.smallest(dst);
    // One that reaches beyond the pool has no route of its own.
    const host = block && this.#pools.poolOf(block.cidr) === pool ? block.host : undefined;
    return running.every((name) => name === host) ? [] : running;
  }

  #wayTo(node: Node, dst: Cidr, { vxlan, ipip }: IPPool): RemoteRoute | undefined {
    const family = familyOf(dst);
    const host = family === 4 ? node.ipv4 : node.ipv6;
    const encapsulation = vxlan === 'never' && family === 4 ? ipip : vxlan;
    if (!host || encapsulation === 'never') return undefined;
    if (encapsulation === 'cross-subnet' && this.#isNear(node, family)) return { dst, way: 'direct', gateway: host };
    if (vxlan === 'never') return { dst, way: 'ipip', gateway: host };
    const vtep = vtepOf(node, family);
    return vtep ? { dst, way: 'vxlan', gateway: vtep.address } : undefined;
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
