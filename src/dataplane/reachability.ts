/**
 * What brings packets of one family to workloads: forwarding, proxy ARP, routes, permanent neighbours.
 *
 * An endpoint that is new here becomes reachable by `open`, which the apply loop calls once the family's chains are in
 * the kernel, and by no other way: a policy is in the kernel before the route that brings its endpoint traffic. One that is
 * gone stops being reachable at once.
 */
import type { LocalWorkload } from '../calc/index.ts';
import type { LinkTable } from '../drivers/links/index.ts';
import type { Neighbour, NeighbourDriver, NeighbourId } from '../drivers/neighbours/index.ts';
import type { Route, RouteDriver } from '../drivers/routes/index.ts';
import type { SysctlDriver, Sysctls } from '../drivers/sysctl/index.ts';
import { addressOf, cidrOf, type Family, familyOf, lengthOf, maxLength } from '../net/index.ts';
import type { Claims } from './claims.ts';

export interface ReachabilityDrivers {
  readonly links: LinkTable;
  readonly routes: RouteDriver;
  readonly neighbours: NeighbourDriver;
  readonly sysctls: SysctlDriver;
}

/** Ranks of claims on an address. */
const PRESENT = 1;
const ABSENT = 0;

interface Opened {
  readonly routes: readonly Route[];
  readonly neighbours: readonly NeighbourId[];
}

/** What all routes to workloads have. */
export type EveryRoute = Pick<Route, 'protocol' | 'source'>;

export class Reachability {
  readonly #drivers: ReachabilityDrivers;
  readonly #family: Family;
  readonly #everyRoute: EveryRoute;
  #forwards = false;
  readonly #opened = new Map<string, Opened>();
  /** Interfaces whose endpoint waits for its chains. */
  readonly #waiting = new Map<string, LocalWorkload>();
  /** Two endpoints with one address: packets go to the one whose interface is there; of two, to the first by name. */
  readonly #routes: Claims<Route>;
  #contested = new Set<string>();

  constructor(drivers: ReachabilityDrivers, routes: Claims<Route>, family: Family, everyRoute: EveryRoute) {
    this.#drivers = drivers;
    this.#routes = routes;
    this.#family = family;
    this.#everyRoute = everyRoute;
    drivers.links.onLink((before, after) => {
      const name = (after ?? before)!.name;
      if ((before === null) !== (after === null)) this.#comesOrGoes(name);
    });
  }

  #comesOrGoes(interfaceName: string): void {
    const opened = this.#opened.get(interfaceName);
    if (!opened) return;
    this.#setSysctls(interfaceName);
    for (const route of opened.routes) this.#claim(interfaceName, route);
  }

  #claim(interfaceName: string, route: Route): void {
    this.#routes.set(interfaceName, route, this.#drivers.links.byName(interfaceName) ? PRESENT : ABSENT);
    for (const owner of this.#routes.claimants(route)) this.#contested.add(owner);
  }

  #disclaim(interfaceName: string, route: Route): void {
    this.#routes.remove(interfaceName, route);
    for (const owner of this.#routes.claimants(route)) this.#contested.add(owner);
  }

  /** Interfaces whose addresses others have come to claim, or do not claim any more, since the last call. */
  takeContested(): ReadonlySet<string> {
    const contested = this.#contested;
    this.#contested = new Set();
    return contested;
  }

  /** The interface's endpoint is this now; what the old one had and the new one has not is closed at once. */
  set(interfaceName: string, workload: LocalWorkload | undefined): void {
    if (workload) this.#waiting.set(interfaceName, workload);
    else this.#waiting.delete(interfaceName);
    const before = this.#opened.get(interfaceName);
    if (!before) return;
    const kept = new Set(workload ? this.#routesOf(interfaceName, workload).map(({ dst }) => dst) : []);
    for (const route of before.routes) if (!kept.has(route.dst)) this.#disclaim(interfaceName, route);
    if (!workload) this.#forget(interfaceName, before);
  }

  /** The chains of every endpoint told so far are in the kernel. */
  open(): void {
    if (!this.#forwards) this.#forward();
    for (const [name, workload] of this.#waiting) this.#open(name, workload);
    this.#waiting.clear();
  }

  /** Does the interface's endpoint wait for its chains? */
  waits(interfaceName: string): boolean {
    return this.#waiting.has(interfaceName);
  }

  /** Why what leads to the interface's endpoint is not all there. */
  problems(interfaceName: string): string[] {
    const { routes, neighbours, sysctls } = this.#drivers;
    const opened = this.#opened.get(interfaceName);
    if (!opened) return [];
    const isFirst = (route: Route) => this.#routes.claimants(route)[0] === interfaceName;
    const held = opened.routes.filter(isFirst);
    const failures = [
      ...held.map((route) => routes.failureOf(route)),
      ...opened.neighbours.map((entry) => neighbours.failureOf(entry)),
      ...sysctls.failuresOf(this.#group(interfaceName)),
    ];
    const lost = opened.routes.filter((route) => !isFirst(route));
    return [
      ...failures.flatMap((error) => (error ? [`${error.subject}: ${error.message}`] : [])),
      ...lost.map((route) => `${route.dst} is claimed for ${this.#routes.claimants(route)[0]}, too, which has it`),
    ];
  }

  /** Is something still to be written of what leads to the interface's endpoint? What failed by itself waits: see `problems`. */
  isPending(interfaceName: string): boolean {
    const { routes, neighbours, sysctls } = this.#drivers;
    const opened = this.#opened.get(interfaceName);
    if (!opened) return false;
    return (
      opened.routes.some((route) => routes.isPending(route)) ||
      opened.neighbours.some((entry) => neighbours.isPending(entry)) ||
      sysctls.isPending(this.#group(interfaceName))
    );
  }

  #forward(): void {
    const path = this.#family === 4 ? 'net/ipv4/ip_forward' : 'net/ipv6/conf/all/forwarding';
    this.#drivers.sysctls.setDesired(`IPv${this.#family}`, { [path]: '1' });
    this.#forwards = true;
  }

  #open(name: string, workload: LocalWorkload): void {
    const before = this.#opened.get(name);
    const routes = this.#routesOf(name, workload);
    const neighbours = this.#neighboursOf(name, workload);
    for (const route of routes) this.#claim(name, route);
    const addresses = new Set(neighbours.map(({ address }) => address));
    for (const entry of before?.neighbours ?? [])
      if (!addresses.has(entry.address)) this.#drivers.neighbours.removeDesired(entry);
    for (const entry of neighbours) this.#drivers.neighbours.setDesired(entry);
    this.#opened.set(name, { routes, neighbours });
    if (!before) this.#setSysctls(name);
  }

  #forget(name: string, before: Opened): void {
    for (const entry of before.neighbours) this.#drivers.neighbours.removeDesired(entry);
    this.#drivers.sysctls.removeDesired(this.#group(name));
    this.#opened.delete(name);
  }

  /** An interface takes its parameters with it when it goes, and comes without them. */
  #setSysctls(name: string): void {
    const { links, sysctls } = this.#drivers;
    if (links.byName(name)) sysctls.setDesired(this.#group(name), sysctlsOf(name, this.#family));
    else sysctls.removeDesired(this.#group(name));
  }

  #group(interfaceName: string): string {
    return `${interfaceName} IPv${this.#family}`;
  }

  /** To the workload's addresses, and to its floating IPs: their packets arrive here before they are translated. */
  #routesOf(device: string, { endpoint }: LocalWorkload): Route[] {
    const floating = endpoint.nats.map(({ external }) => cidrOf(external));
    const all = [...new Set([...endpoint.nets, ...floating])];
    const own = all.filter((dst) => familyOf(dst) === this.#family);
    return own.map((dst) => ({ dst, device, ...this.#everyRoute }));
  }

  /** Upstream's: only for IPv4, and only where the MAC is known. */
  #neighboursOf(device: string, { endpoint: { mac, nets } }: LocalWorkload): Neighbour[] {
    if (mac === '' || this.#family !== 4) return [];
    const hosts = nets.filter((net) => familyOf(net) === 4 && lengthOf(net) === maxLength(4));
    return hosts.map((net) => ({ device, address: addressOf(net), mac }));
  }
}

/** The workload's gateway is an address that the host answers for; the host takes no advice from the workload. */
function sysctlsOf(name: string, family: Family): Sysctls {
  const v4 = `net/ipv4/conf/${name}`;
  const v6 = `net/ipv6/conf/${name}`;
  if (family === 6) return { [`${v6}/proxy_ndp`]: '1', [`${v6}/forwarding`]: '1' };
  return {
    // DNAT to 127.0.0.1 (the metadata service) is for workloads, too.
    [`${v4}/route_localnet`]: '1',
    [`net/ipv4/neigh/${name}/proxy_delay`]: '0',
    [`${v4}/forwarding`]: '1',
    [`${v4}/proxy_arp`]: '1',
    // Also, and above all, where IPv6 is not ours to configure.
    [`${v6}/accept_ra`]: '0',
  };
}
