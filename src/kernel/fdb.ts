/** Forwarding entries of VXLAN devices (the FDB): which MAC is behind which host. */
import { bytesOf, formatIp, type Ip } from '../net/index.ts';
import { attributes, type Message, type MessageWriter, NLM_F_CREATE, NLM_F_REPLACE, readU32 } from './message.ts';
import { AF_BRIDGE, RTM_DELNEIGH, RTM_GETNEIGH, RTM_NEWNEIGH } from './rtnetlink.ts';
import type { NetlinkSocket } from './socket.ts';

const NDA_DST = 1;
const NDA_LLADDR = 2;
const NUD_PERMANENT = 0x80;
/** The device's own table, not that of a bridge which it belongs to. */
const NTF_SELF = 0x02;

export interface KernelFdbEntry {
  /** Index of the VXLAN device. */
  readonly link: number;
  readonly mac: string;
  /** Where frames to the MAC go, encapsulated. */
  readonly host: Ip;
}

/** Adds an entry, in place of the MAC's present one. */
export function encodeFdbReplace(w: MessageWriter, entry: KernelFdbEntry): void {
  w.begin(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
  ndmsg(w, entry.link, NUD_PERMANENT, NTF_SELF);
  w.attribute(NDA_LLADDR, bytesOfMac(entry.mac));
  w.attribute(NDA_DST, bytesOf(entry.host));
  w.end();
}

export function encodeFdbDelete(w: MessageWriter, entry: KernelFdbEntry): void {
  w.begin(RTM_DELNEIGH, 0);
  ndmsg(w, entry.link, 0, NTF_SELF);
  w.attribute(NDA_LLADDR, bytesOfMac(entry.mac));
  w.attribute(NDA_DST, bytesOf(entry.host));
  w.end();
}

/** Entries of one device that lead to a host. */
export function dumpFdb(socket: NetlinkSocket, link: number): KernelFdbEntry[] {
  const entries: KernelFdbEntry[] = [];
  const encode = (w: MessageWriter): void => {
    w.begin(RTM_GETNEIGH, 0);
    ndmsg(w, link, 0, 0);
    w.end();
  };
  const read = (message: Message): void => {
    const entry = decodeFdbEntry(message);
    // An old kernel does not filter.
    if (entry?.link === link) entries.push(entry);
  };
  socket.dump('forwarding entries', encode, read, () => entries.splice(0));
  return entries;
}

/** Null for messages about something else, and for entries that lead to no host. */
export function decodeFdbEntry({ type, payload }: Message): KernelFdbEntry | null {
  if (type < RTM_NEWNEIGH || type > RTM_DELNEIGH || payload[0] !== AF_BRIDGE) return null;
  const found = attributes(payload, 12);
  const mac = found.get(NDA_LLADDR);
  const host = found.get(NDA_DST);
  if (!mac || !host) return null;
  return { link: readU32(payload, 4), mac: mac.toString('hex').replace(/..(?=.)/g, '$&:'), host: formatIp(host) };
}

function ndmsg(w: MessageWriter, link: number, state: number, flags: number): void {
  w.u32(AF_BRIDGE);
  w.u32(link);
  w.u16(state);
  w.u8(flags);
  w.u8(0);
}

const bytesOfMac = (mac: string): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex');
