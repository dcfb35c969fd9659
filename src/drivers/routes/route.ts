/** A route as the dataplane wants it, and how it becomes the kernel's. */
import {
  defaultMetric,
  defaultScope,
  type KernelRoute,
  type Link,
  PROTOCOL_BOOT,
  type RouteType,
  TABLE_MAIN,
} from '../../kernel/index.ts';
import { type Cidr, familyOf, type Ip } from '../../net/index.ts';

/** What the kernel tells routes apart by. */
export interface RouteId {
  readonly dst: Cidr;
  /** Default: the main table. */
  readonly table?: number;
  /** Default: 0, for IPv6 1024. */
  readonly metric?: number;
}

export interface Route extends RouteId {
  /** Default `unicast`. */
  readonly type?: RouteType;
  /** The interface's name; the route waits until it exists and runs. */
  readonly device?: string;
  readonly gateway?: Ip;
  /** The gateway is on the device even if no address says so. */
  readonly onlink?: boolean;
  /** The address that the host's own packets take. */
  readonly source?: Ip;
  /** Default: boot (3), as upstream's. */
  readonly protocol?: number;
  /** IPv4 only. Default: link without a gateway, else universe. */
  readonly scope?: number;
  readonly mtu?: number;
}

/** `10.65.0.1/32`, with ` table N` and ` metric N` where they are not the usual ones. */
export function routeKey({ dst, table = TABLE_MAIN, metric }: RouteId): string {
  const usual = defaultMetric(familyOf(dst));
  return `${dst}${table === TABLE_MAIN ? '' : ` table ${table}`}${(metric ?? usual) === usual ? '' : ` metric ${metric}`}`;
}

/** `link`: what the route's device is now, if it has one. */
export function toKernel(route: Route, link: Link | undefined): KernelRoute {
  const family = familyOf(route.dst);
  const type = route.type ?? 'unicast';
  const gateway = route.gateway ?? null;
  return {
    dst: route.dst,
    table: route.table ?? TABLE_MAIN,
    // IPv6 takes a metric of 0 for its usual one.
    metric: (family === 6 ? route.metric || null : route.metric) ?? defaultMetric(family),
    type,
    protocol: route.protocol ?? PROTOCOL_BOOT,
    link: link?.index ?? 0,
    gateway,
    onlink: route.onlink ?? false,
    source: route.source ?? null,
    scope: family === 4 ? (route.scope ?? defaultScope(family, type, gateway)) : 0,
    mtu: route.mtu ?? 0,
    multipath: false,
  };
}

/** Equal but for what tells them apart. */
export function sameRoute(a: KernelRoute, b: KernelRoute): boolean {
  return (
    samePath(a, b) &&
    a.protocol === b.protocol &&
    a.source === b.source &&
    a.scope === b.scope &&
    a.mtu === b.mtu &&
    a.onlink === b.onlink
  );
}

/** Do packets go the same way? */
export function samePath(a: KernelRoute, b: KernelRoute): boolean {
  return a.type === b.type && a.link === b.link && a.gateway === b.gateway && a.multipath === b.multipath;
}
