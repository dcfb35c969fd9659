/** Network interfaces and their addresses, as rtnetlink tells them. */
import { bytesOf, type Family, formatIp, type Ip } from '../net/index.ts';
import {
  attributes,
  type Message,
  type MessageWriter,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  readText,
  readU32,
} from './message.ts';
import {
  afOf,
  familyOfAf,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_NEWADDR,
  RTM_NEWLINK,
} from './rtnetlink.ts';
import type { NetlinkSocket } from './socket.ts';
import { decodeVxlan, type Vxlan, writeVxlan } from './vxlan.ts';

const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_EXT_MASK = 29;
/** Leaves out statistics: a dump of thousands of links is a third of the size. */
const RTEXT_FILTER_SKIP_STATS = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;

export interface Link {
  readonly index: number;
  readonly name: string;
  /** Switched on by the administrator. */
  readonly up: boolean;
  /** Up, and able to carry packets (a cable, a peer, a VM at the other end). */
  readonly running: boolean;
  readonly mac: string;
  readonly mtu: number;
  /** `veth`, `bridge`, `vxlan`, `tun` …; empty for hardware and loopback. */
  readonly kind: string;
  /** Index of the bridge or bond that it belongs to; 0: none. */
  readonly master: number;
  /** Index of the link below it (of a VLAN or VXLAN), or of a veth's peer; 0: none, or in another namespace. */
  readonly parent: number;
  /** Of a VXLAN device. */
  readonly vxlan?: Vxlan;
}

/** What can be asked of a link; what is left out stays as it is. */
export interface LinkChange {
  readonly up?: boolean;
  readonly mtu?: number;
  /** `66:ac:4a:e9:72:85` */
  readonly mac?: string;
}

export interface LinkAddress {
  readonly index: number;
  readonly family: Family;
  readonly address: Ip;
  readonly prefixLength: number;
}

/** All links of this process' namespace. */
export function dumpLinks(socket: NetlinkSocket): Link[] {
  const links: Link[] = [];
  const encode = (w: MessageWriter): void => {
    w.begin(RTM_GETLINK, 0);
    ifinfo(w, 0, 0, 0);
    w.attributeU32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    w.end();
  };
  const read = (message: Message): void => {
    const link = decodeLink(message);
    if (link) links.push(link);
  };
  socket.dump('links', encode, read, () => links.splice(0));
  return links;
}

/** All addresses of this process' namespace. */
export function dumpAddresses(socket: NetlinkSocket): LinkAddress[] {
  const found: LinkAddress[] = [];
  const encode = (w: MessageWriter): void => {
    w.begin(RTM_GETADDR, 0);
    w.u32(0);
    w.u32(0);
    w.end();
  };
  const read = (message: Message): void => {
    const address = decodeAddress(message);
    if (address) found.push(address);
  };
  socket.dump('addresses', encode, read, () => found.splice(0));
  return found;
}

/** Asks for a link to be switched on or off, or given an MTU or a MAC. */
export function encodeLinkChange(w: MessageWriter, index: number, change: LinkChange): void {
  w.begin(RTM_NEWLINK, 0);
  writeChange(w, index, change);
  w.end();
}

/** A link that is to be made. */
export interface NewLink extends LinkChange {
  readonly name: string;
  /** `ifb`, `vxlan`, … */
  readonly kind: string;
  readonly vxlan?: Vxlan;
}

/** Makes a link; refused (EEXIST) where there is one of this name. */
export function encodeLinkAdd(w: MessageWriter, link: NewLink): void {
  w.begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  writeChange(w, 0, link);
  w.attributeText(IFLA_IFNAME, link.name);
  const info = w.open(IFLA_LINKINFO);
  w.attributeText(IFLA_INFO_KIND, link.kind);
  if (link.vxlan) {
    const data = w.open(IFLA_INFO_DATA);
    writeVxlan(w, link.vxlan);
    w.close(data);
  }
  w.close(info);
  w.end();
}

/** Makes an intermediate functional block: what is redirected to it waits in its root qdisc, and goes on. EEXIST. */
export function encodeIfbCreate(w: MessageWriter, { name, mtu }: { name: string; mtu: number }): void {
  w.begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  writeChange(w, 0, { up: true, mtu });
  w.attributeText(IFLA_IFNAME, name);
  const info = w.open(IFLA_LINKINFO);
  w.attributeText(IFLA_INFO_KIND, 'ifb');
  w.close(info);
  w.end();
}

export function encodeLinkDelete(w: MessageWriter, index: number): void {
  w.begin(RTM_DELLINK, 0);
  ifinfo(w, index, 0, 0);
  w.end();
}

/** Gives a link an address. */
export function encodeAddressAdd(w: MessageWriter, address: LinkAddress): void {
  w.begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
  writeAddress(w, address);
  w.end();
}

export function encodeAddressDelete(w: MessageWriter, address: LinkAddress): void {
  w.begin(RTM_DELADDR, 0);
  writeAddress(w, address);
  w.end();
}

/** Null for messages about something else, such as a bridge's view of its port. */
export function decodeLink({ type, payload }: Message): Link | null {
  if (type < RTM_NEWLINK || type > RTM_DELLINK || payload[0] !== 0) return null;
  const found = attributes(payload, 16);
  const flags = readU32(payload, 8);
  const info = found.get(IFLA_LINKINFO);
  const details = info && attributes(info);
  const kind = readText(details?.get(IFLA_INFO_KIND) ?? Buffer.alloc(0));
  const data = kind === 'vxlan' ? details?.get(IFLA_INFO_DATA) : undefined;
  return {
    index: readU32(payload, 4),
    name: readText(found.get(IFLA_IFNAME) ?? Buffer.alloc(0)),
    up: (flags & IFF_UP) !== 0,
    running: (flags & IFF_UP) !== 0 && (flags & IFF_RUNNING) !== 0,
    mac: (found.get(IFLA_ADDRESS) ?? Buffer.alloc(0)).toString('hex').replace(/..(?=.)/g, '$&:'),
    mtu: numberOf(found.get(IFLA_MTU)),
    kind,
    master: numberOf(found.get(IFLA_MASTER)),
    parent: numberOf(found.get(IFLA_LINK)),
    ...(data && { vxlan: decodeVxlan(data) }),
  };
}

/** Null for messages about something else. */
export function decodeAddress({ type, payload }: Message): LinkAddress | null {
  const family = familyOfAf(payload[0]);
  if (type < RTM_DELADDR - 1 || type > RTM_DELADDR || !family) return null;
  const found = attributes(payload, 8);
  // Of a point-to-point link `address` is the peer's.
  const own = found.get(IFA_LOCAL) ?? found.get(IFA_ADDRESS);
  if (!own) return null;
  return { index: readU32(payload, 4), family, address: formatIp(own), prefixLength: payload[1] as number };
}

function writeChange(w: MessageWriter, index: number, { up, mtu, mac }: LinkChange): void {
  ifinfo(w, index, up ? IFF_UP : 0, up === undefined ? 0 : IFF_UP);
  if (mtu !== undefined) w.attributeU32(IFLA_MTU, mtu);
  if (mac !== undefined) w.attribute(IFLA_ADDRESS, Buffer.from(mac.replaceAll(':', ''), 'hex'));
}

function writeAddress(w: MessageWriter, { index, family, address, prefixLength }: LinkAddress): void {
  w.u8(afOf(family));
  w.u8(prefixLength);
  w.u8(0);
  w.u8(0);
  w.u32(index);
  w.attribute(IFA_LOCAL, bytesOf(address));
  w.attribute(IFA_ADDRESS, bytesOf(address));
}

function ifinfo(w: MessageWriter, index: number, flags: number, change: number): void {
  w.u32(0);
  w.u32(index);
  w.u32(flags);
  w.u32(change);
}

const numberOf = (value: Buffer | undefined): number => (value ? readU32(value) : 0);
