/** Routes as rtnetlink has them. */
import { CalicoError } from '../errors/index.ts';
import {
  addressOf,
  bytesOf,
  type Cidr,
  cidrOf,
  type Family,
  familyOf,
  formatIp,
  type Ip,
  ip,
  lengthOf,
} from '../net/index.ts';
import type { Refusal } from './errno.ts';
import { eachAttribute, type Message, type MessageWriter, NLM_F_CREATE, NLM_F_REPLACE, readU32 } from './message.ts';
import { afOf, familyOfAf, RTM_DELROUTE, RTM_GETROUTE, RTM_NEWROUTE } from './rtnetlink.ts';
import type { NetlinkSocket } from './socket.ts';

const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_METRICS = 8;
const RTA_MULTIPATH = 9;
const RTA_TABLE = 15;
const RTA_NH_ID = 30;
const RTAX_MTU = 2;
const RTNH_F_ONLINK = 4;
const RTM_F_CLONED = 0x200;
const SCOPE_UNIVERSE = 0;
const SCOPE_LINK = 253;
const LOOPBACK_INDEX = 1;

export const TABLE_MAIN = 254;
export const PROTOCOL_KERNEL = 2;
/** What `ip route` leaves out when it prints. */
export const PROTOCOL_BOOT = 3;

const TYPES = [
  'unspec',
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
] as const;
export type RouteType = (typeof TYPES)[number];

export interface KernelRoute {
  readonly dst: Cidr;
  readonly table: number;
  readonly metric: number;
  readonly type: RouteType;
  readonly protocol: number;
  /** Index of the interface; 0: none. */
  readonly link: number;
  readonly gateway: Ip | null;
  /** The gateway is on the link even if no address says so. */
  readonly onlink: boolean;
  /** The address that the host's own packets take. */
  readonly source: Ip | null;
  /** 0 for IPv6, which has no scopes. */
  readonly scope: number;
  /** 0: the interface's. */
  readonly mtu: number;
  /** Several next hops, or one by number: never ours; `link` and `gateway` are empty. */
  readonly multipath: boolean;
}

/** What IPv6 takes for no metric. */
export const defaultMetric = (family: Family): number => (family === 6 ? 1024 : 0);

/** As the `ip` program chooses: an IPv4 route without gateway reaches its link only. */
export function defaultScope(family: Family, type: RouteType, gateway: Ip | null): number {
  return family === 4 && type === 'unicast' && !gateway ? SCOPE_LINK : SCOPE_UNIVERSE;
}

/** Adds the route, in place of another one with the same destination, table and metric. */
export function encodeRouteReplace(w: MessageWriter, route: KernelRoute): void {
  w.begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
  writeRoute(w, route);
  if (route.source) w.attribute(RTA_PREFSRC, bytesOf(route.source));
  if (route.mtu) {
    const metrics = w.open(RTA_METRICS);
    w.attributeU32(RTAX_MTU, route.mtu);
    w.close(metrics);
  }
  w.end();
}

/** Deletes this route and no other with the same destination. */
export function encodeRouteDelete(w: MessageWriter, route: KernelRoute): void {
  w.begin(RTM_DELROUTE, 0);
  writeRoute(w, route);
  w.end();
}

/** The routes of one table. */
export function dumpRoutes(socket: NetlinkSocket, family: Family, table: number): KernelRoute[] {
  const routes: KernelRoute[] = [];
  const encode = (w: MessageWriter): void => {
    w.begin(RTM_GETROUTE, 0);
    w.u32(afOf(family));
    w.u32(0);
    w.u32(0);
    w.attributeU32(RTA_TABLE, table);
    w.end();
  };
  const read = (message: Message): void => {
    const route = decodeRoute(message);
    // A kernel that does not filter sends every table.
    if (route?.table === table) routes.push(route);
  };
  try {
    socket.dump(`IPv${family} routes`, encode, read, () => routes.splice(0));
  } catch (error) {
    // A table comes into being with its first route.
    if (!(error instanceof CalicoError && (error.cause as Refusal).name === 'ENOENT')) throw error;
  }
  return routes;
}

/** Null for messages about something else, and for IPv6's cache entries. */
export function decodeRoute({ type: messageType, payload }: Message): KernelRoute | null {
  const family = familyOfAf(payload[0]);
  const flags = readU32(payload, 8);
  if (messageType < RTM_NEWROUTE || messageType > RTM_DELROUTE || !family || flags & RTM_F_CLONED) return null;
  let dst = family === 4 ? ip('0.0.0.0') : ip('::');
  const route = {
    table: payload[4] as number,
    metric: 0,
    type: TYPES[payload[7] as number] ?? 'unspec',
    protocol: payload[5] as number,
    link: 0,
    gateway: null as Ip | null,
    onlink: (flags & RTNH_F_ONLINK) !== 0,
    source: null as Ip | null,
    scope: family === 4 ? (payload[6] as number) : 0,
    mtu: 0,
    multipath: false,
  };
  for (const [attribute, value] of eachAttribute(payload, 12)) {
    if (attribute === RTA_DST) dst = formatIp(value);
    else if (attribute === RTA_TABLE) route.table = readU32(value);
    else if (attribute === RTA_PRIORITY) route.metric = readU32(value);
    else if (attribute === RTA_OIF) route.link = readU32(value);
    else if (attribute === RTA_GATEWAY) route.gateway = formatIp(value);
    else if (attribute === RTA_PREFSRC) route.source = formatIp(value);
    else if (attribute === RTA_METRICS) route.mtu = mtuOf(value);
    else if (attribute === RTA_MULTIPATH || attribute === RTA_NH_ID) route.multipath = true;
  }
  // IPv6 hangs routes that reject on the loopback interface.
  if (family === 6 && rejects(route.type) && route.link === LOOPBACK_INDEX) route.link = 0;
  return { dst: cidrOf(dst, payload[1] as number), ...route };
}

const rejects = (type: RouteType): boolean => TYPES.indexOf(type) >= TYPES.indexOf('blackhole');

function writeRoute(w: MessageWriter, route: KernelRoute): void {
  const address = addressOf(route.dst);
  w.u8(afOf(familyOf(address)));
  w.u8(lengthOf(route.dst));
  w.u16(0);
  // The byte for the table cannot hold every number: the attribute does.
  w.u8(route.table < 256 ? route.table : 0);
  w.u8(route.protocol);
  w.u8(route.scope);
  w.u8(TYPES.indexOf(route.type));
  w.u32(route.onlink ? RTNH_F_ONLINK : 0);
  w.attribute(RTA_DST, bytesOf(address));
  w.attributeU32(RTA_TABLE, route.table);
  w.attributeU32(RTA_PRIORITY, route.metric);
  if (route.link) w.attributeU32(RTA_OIF, route.link);
  if (route.gateway) w.attribute(RTA_GATEWAY, bytesOf(route.gateway));
}

function mtuOf(metrics: Buffer): number {
  for (const [metric, value] of eachAttribute(metrics)) if (metric === RTAX_MTU) return readU32(value);
  return 0;
}
