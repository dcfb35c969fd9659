/**
 * Routes: those desired are there as soon as their interface runs; on our own interfaces there are no others.
 *
 * A route elsewhere is never touched, unless it is in the very place (destination, table, metric) of a desired one.
 */
import type { CalicoError } from '../../errors/index.ts';
import {
  dumpRoutes,
  encodeRouteDelete,
  encodeRouteReplace,
  type KernelEvent,
  type KernelRoute,
  type Link,
  type NetlinkSocket,
  PROTOCOL_KERNEL,
  TABLE_MAIN,
} from '../../kernel/index.ts';
import { type Cidr, cidr, contains, type Family, familyOf } from '../../net/index.ts';
import {
  type ApplyResult,
  type Clock,
  dumpTracker,
  earliest,
  inWords,
  type TableDump,
  Tracker,
} from '../../reconcile/index.ts';
import type { LinkTable } from '../links/index.ts';
import { applyTable, type NetlinkTable } from '../netlink-table.ts';
import { type Route, type RouteId, routeKey, samePath, sameRoute, toKernel } from './route.ts';

export interface RouteDriverOptions {
  readonly socket: NetlinkSocket;
  readonly links: LinkTable;
  readonly families: readonly Family[];
  /** Interfaces that are ours: what is not desired there goes. */
  readonly ownsInterface: (name: string) => boolean;
  /** Protocols that only we use: such routes are ours wherever they are. Default: none. */
  readonly ownsProtocol?: (protocol: number) => boolean;
  /** Do unexpected routes on our interfaces go, too, that have another protocol than ours (boot)? Default true. */
  readonly removeExternal?: (protocol: number) => boolean;
  /** Tables that are looked at. Default: main. */
  readonly tables?: readonly number[];
  /** Unexpected routes stay so long after the start: others may still be telling us about them. Default 10,000 ms. */
  readonly graceMs?: number;
  readonly clock: Clock;
}

export interface RouteResult extends ApplyResult {
  /** Destinations that no longer go where they went: connections to them are over. */
  readonly released: readonly Cidr[];
}

const NEVER_OURS: readonly Cidr[] = [cidr('fe80::/64'), cidr('ff00::/8'), cidr('224.0.0.0/4')];
export class RouteDriver {
  readonly #options: RouteDriverOptions;
  readonly #graceEnds: number;
  /** Families that have been read: of others nothing is known, so nothing of theirs is deleted. */
  readonly #followed = new Set<Family>();
  readonly #wanted = new Map<string, Route>();
  readonly #byDevice = new Map<string, Set<string>>();
  /** Desired: what is wanted and whose interface runs. Actual: what is ours, or in a desired one's place. */
  readonly #tracker = new Tracker<string, KernelRoute>(sameRoute);
  /** Unexpected routes of ours that were found within the grace time. */
  readonly #strangers = new Map<string, KernelRoute>();
  readonly #released = new Set<Cidr>();
  readonly #orphans: KernelRoute[] = [];
  readonly #table: NetlinkTable<KernelRoute>;

  constructor(options: RouteDriverOptions) {
    this.#options = options;
    this.#table = {
      socket: options.socket,
      tracker: this.#tracker,
      noun: 'route',
      encodeReplace: encodeRouteReplace,
      encodeDelete: encodeRouteDelete,
      orphans: this.#orphans,
      onWritten: (route, before) => {
        if (before && this.#isOurs(before) && !samePath(before, route)) this.#released.add(route.dst);
      },
      onDeleted: (route) => this.#released.add(route.dst),
    };
    this.#graceEnds = options.clock() + (options.graceMs ?? 10_000);
    options.links.onLink((before, after) => this.#linkChanged(before, after));
  }

  setDesired(route: Route): void {
    const key = routeKey(route);
    this.#unindex(key);
    this.#wanted.set(key, route);
    if (route.device !== undefined) {
      const keys = this.#byDevice.get(route.device) ?? new Set();
      this.#byDevice.set(route.device, keys.add(key));
    }
    this.#refresh(key);
  }

  removeDesired(id: RouteId): void {
    const key = routeKey(id);
    if (!this.#wanted.has(key)) return;
    this.#unindex(key);
    this.#wanted.delete(key);
    // What went with its interface is not deleted any more, but connections to it are over all the same.
    if (!this.#tracker.actual.has(key)) this.#released.add(id.dst);
    this.#refresh(key);
  }

  /** Why routes are not there, or not gone, by key. */
  get failures(): ReadonlyMap<string, CalicoError> {
    return this.#tracker.failures;
  }

  /** Why the desired route is not there. */
  failureOf(id: RouteId): CalicoError | undefined {
    return this.#tracker.failures.get(routeKey(id));
  }

  /** Is the desired route still to be written? */
  isPending(id: RouteId): boolean {
    return this.#tracker.pendingWrites.has(routeKey(id));
  }

  dump(): TableDump[] {
    const { links } = this.#options;
    const named = (route: KernelRoute): string =>
      inWords({ ...route, dst: undefined, link: links.byIndex(route.link)?.name ?? route.link });
    const dump = dumpTracker('routes', this.#tracker, named);
    const waiting = [...this.#wanted.keys()].filter((key) => !this.#tracker.desired.has(key));
    const problems = waiting.map((key) => [key, 'waits until its interface is there and runs']);
    return [{ ...dump, problems: { ...dump.problems, ...Object.fromEntries(problems) } }];
  }

  /**
   * Reads the kernel's routes (default: of every family), and follows these families from now on. What is desired by now
   * is not written again if it is there, be it ours or not.
   */
  resync(families: Iterable<Family> = this.#options.families): void {
    const { socket, tables = [TABLE_MAIN] } = this.#options;
    const read = new Set(families);
    const isOther = ([, route]: [string, KernelRoute]) => !read.has(familyOf(route.dst));
    const found = new Map([...this.#tracker.actual].filter(isOther));
    for (const [key, route] of this.#strangers) if (read.has(familyOf(route.dst))) this.#strangers.delete(key);
    for (const family of read) {
      this.#followed.add(family);
      for (const table of tables) {
        for (const route of dumpRoutes(socket, family, table)) {
          const key = routeKey(route);
          // Of several in one place the first is the one that counts, and that a replacement replaces.
          if (this.#concerns(key, route) && !found.has(key)) found.set(key, route);
        }
      }
    }
    for (const [key, route] of found) {
      if (!this.#isStranger(key)) continue;
      this.#strangers.set(key, route);
      found.delete(key);
    }
    this.#tracker.replaceActual(found);
    for (const key of this.#wanted.keys()) this.#refresh(key);
  }

  /** Takes in what others changed, after the link table has: see there. Other kinds of events are ignored. */
  handle(event: KernelEvent): void {
    if (event.type !== 'route' && event.type !== 'route-gone') return;
    const { tables = [TABLE_MAIN] } = this.#options;
    const { route } = event;
    if (!tables.includes(route.table) || !this.#followed.has(familyOf(route.dst))) return;
    if (event.type === 'route') this.#appeared(routeKey(route), route);
    else this.#disappeared(routeKey(route), route);
  }

  apply(): RouteResult {
    const now = this.#options.clock();
    if (now >= this.#graceEnds) this.#adoptStrangers();
    const result = applyTable(this.#table, now);
    const retryAt = earliest(result.retryAt, this.#strangers.size > 0 ? this.#graceEnds : null);
    const released = [...this.#released];
    this.#released.clear();
    return { ...result, retryAt, released };
  }

  #appeared(key: string, route: KernelRoute): void {
    if (!this.#concerns(key, route)) {
      // A foreign route took the place of one of ours that is not desired any more.
      this.#tracker.removeActual(key);
    } else if (this.#isStranger(key)) this.#strangers.set(key, route);
    else this.#tracker.setActual(key, route);
    if (this.#wanted.has(key)) this.#refresh(key);
  }

  #disappeared(key: string, route: KernelRoute): void {
    const known = this.#tracker.actual.get(key);
    if (known && samePath(known, route)) this.#tracker.removeActual(key);
    this.#strangers.delete(key);
    if (this.#wanted.has(key)) this.#refresh(key);
  }

  /** Is it our business: desired in this place, or ours by where it is? */
  #concerns(key: string, route: KernelRoute): boolean {
    return this.#wanted.has(key) || this.#isOurs(route);
  }

  #isOurs(route: KernelRoute): boolean {
    const { ownsInterface, ownsProtocol, removeExternal, links } = this.#options;
    if (route.protocol === PROTOCOL_KERNEL || route.multipath) return false;
    if (NEVER_OURS.some((prefix) => contains(prefix, route.dst))) return false;
    if (ownsProtocol?.(route.protocol)) return true;
    const link = links.byIndex(route.link);
    return link !== undefined && ownsInterface(link.name) && (removeExternal?.(route.protocol) ?? true);
  }

  #isStranger(key: string): boolean {
    return !this.#wanted.has(key) && !this.#tracker.actual.has(key) && this.#options.clock() < this.#graceEnds;
  }

  #adoptStrangers(): void {
    for (const [key, route] of this.#strangers) this.#tracker.setActual(key, route);
    this.#strangers.clear();
  }

  /** Brings one key's desired state in line with what is wanted and what its interface is. */
  #refresh(key: string): void {
    const stranger = this.#strangers.get(key);
    const route = this.#wanted.get(key);
    if (stranger && route) {
      this.#strangers.delete(key);
      this.#tracker.setActual(key, stranger);
    }
    const link = route?.device === undefined ? undefined : this.#options.links.byName(route.device);
    const ready = route?.device === undefined || this.#isReady(key, link);
    if (route && ready) this.#tracker.setDesired(key, toKernel(route, link));
    else this.#tracker.removeDesired(key);
  }

  /** A link that is up but not running keeps the routes that it has, and gets no new ones. */
  #isReady(key: string, link: Link | undefined): boolean {
    if (!link?.up) return false;
    return link.running || this.#tracker.actual.get(key)?.link === link.index;
  }

  #linkChanged(before: Link | null, after: Link | null): void {
    const now = before && this.#options.links.byIndex(before.index);
    const renamed = before !== null && after === null && now;
    const flushed = renamed || (before?.up && !now?.up);
    for (const key of this.#byDevice.get((after ?? before)?.name ?? '') ?? []) {
      if (renamed) this.#orphan(this.#wanted.get(key) as Route, before);
      // The kernel takes the routes away with the link, and does not tell of IPv4's.
      if (flushed && this.#tracker.actual.get(key)?.link === before?.index) this.#tracker.removeActual(key);
      this.#refresh(key);
    }
  }

  /** A link that is renamed keeps its routes: also those that it was taken to have lost, by notifications that came late. */
  #orphan(route: Route, link: Link): void {
    this.#orphans.push(toKernel(route, link));
    this.#released.add(route.dst);
  }

  #unindex(key: string): void {
    const device = this.#wanted.get(key)?.device;
    if (device === undefined) return;
    const keys = this.#byDevice.get(device);
    keys?.delete(key);
    if (keys?.size === 0) this.#byDevice.delete(device);
  }
}
