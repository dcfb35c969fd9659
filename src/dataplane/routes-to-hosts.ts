/**
 * The routes of one family to workloads of other hosts. A route moves to another device once that device runs, and until then
 * stays where it is: a pool that changes its encapsulation loses no route.
 */
import type { RemoteRoute, Way } from '../calc/index.ts';
import type { LinkTable } from '../drivers/links/index.ts';
import type { Route } from '../drivers/routes/index.ts';
import type { Cidr, Ip } from '../net/index.ts';
import type { Claims } from './claims.ts';

/** Where packets leave by a way, and since when they may; null: they may not, and routes wait. */
export interface Exit {
  readonly device: string;
  /** Of every route by it. */
  readonly route: Pick<Route, 'protocol' | 'source'>;
}

export interface Exits {
  /** `never`: there is no such way here. `later`: other hosts are not ready for such packets yet. */
  exit(way: Exclude<Way, 'direct'>): Exit | 'never' | 'later';
}

/** Upstream's, of routes by IP-in-IP and of those beside tunnels. */
export const TUNNEL_ROUTE_PROTOCOL = 80;
const OWNER = 'other hosts';
/** A workload that is here is here, whatever blocks say. */
const BELOW_WORKLOADS = -1;

export class RoutesToHosts {
  readonly #claims: Claims<Route>;
  readonly #links: LinkTable;
  readonly #exits: Exits;
  /** This host's own address. */
  #address: Ip | undefined;
  /** The link that has it. */
  #uplink: string | undefined;
  #uplinkTouched = true;
  readonly #routes = new Map<Cidr, RemoteRoute>();
  readonly #touched = new Set<Cidr>();
  /** By destination: the device by which it is claimed. */
  readonly #claimed = new Map<Cidr, string>();

  /** `claims`: the routes of the family, in which workloads have their say, too. */
  constructor(claims: Claims<Route>, links: LinkTable, exits: Exits) {
    this.#claims = claims;
    this.#links = links;
    this.#exits = exits;
  }

  setRoute(route: RemoteRoute): void {
    this.#routes.set(route.dst, route);
    this.#touched.add(route.dst);
  }

  removeRoute(dst: Cidr): void {
    this.#routes.delete(dst);
    this.#touched.add(dst);
  }

  setAddress(address: Ip | undefined): void {
    this.#address = address;
    this.#uplinkTouched = true;
  }

  /** Some address of this host came or went: routes beside tunnels may leave by another link. */
  onAddresses(): void {
    this.#uplinkTouched = true;
  }

  /** Ways came or went. */
  onWays(): void {
    for (const dst of this.#routes.keys()) this.#touched.add(dst);
  }

  /** Takes away what is gone. */
  settle(): void {
    for (const dst of this.#touched) if (!this.#routes.has(dst)) this.#disclaim(dst);
  }

  /** The chains are in the kernel. */
  open(): void {
    if (this.#uplinkTouched) this.#findUplink();
    for (const dst of this.#touched) {
      const route = this.#routes.get(dst);
      if (!route || this.#openRoute(route)) this.#touched.delete(dst);
    }
  }

  /** False: it waits. */
  #openRoute({ dst, way, gateway }: RemoteRoute): boolean {
    const exit = way === 'direct' ? this.#direct() : this.#exits.exit(way);
    if (exit === 'later') return false;
    if (exit === 'never') {
      this.#disclaim(dst);
      return true;
    }
    const { device, route } = exit;
    if (this.#claimed.get(dst) !== device && !this.#links.byName(device)?.running) return false;
    this.#claims.set(OWNER, { ...route, dst, gateway, device, onlink: true }, BELOW_WORKLOADS);
    this.#claimed.set(dst, device);
    return true;
  }

  #disclaim(dst: Cidr): void {
    if (this.#claimed.delete(dst)) this.#claims.remove(OWNER, { dst });
  }

  #direct(): Exit | 'never' {
    const device = this.#uplink;
    return device === undefined ? 'never' : { device, route: { protocol: TUNNEL_ROUTE_PROTOCOL } };
  }

  #findUplink(): void {
    this.#uplinkTouched = false;
    const uplink = this.#address && this.#links.byAddress(this.#address)?.name;
    if (uplink === this.#uplink) return;
    this.#uplink = uplink;
    for (const { dst, way } of this.#routes.values()) if (way === 'direct') this.#touched.add(dst);
  }
}
