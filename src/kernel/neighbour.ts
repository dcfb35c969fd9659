/** Neighbour entries (ARP and NDP) as rtnetlink has them. */
import { bytesOf, type Family, familyOf, formatIp, type Ip } from '../net/index.ts';
import {
  attributes,
  type Message,
  type MessageWriter,
  NLM_F_CREATE,
  NLM_F_REPLACE,
  readU16,
  readU32,
} from './message.ts';
import { afOf, familyOfAf, RTM_DELNEIGH, RTM_GETNEIGH, RTM_NEWNEIGH } from './rtnetlink.ts';
import type { NetlinkSocket } from './socket.ts';

const NDA_DST = 1;
const NDA_LLADDR = 2;
const NUD_PERMANENT = 0x80;
const NTF_PROXY = 0x08;

export interface KernelNeighbour {
  /** Index of the interface. */
  readonly link: number;
  readonly address: Ip;
  /** Null: the host answers for this address itself (a proxy entry). */
  readonly mac: string | null;
}

/** Adds a permanent or proxy entry, in place of whatever the host has learnt for the address. */
export function encodeNeighbourReplace(w: MessageWriter, entry: KernelNeighbour): void {
  w.begin(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
  writeNeighbour(w, entry);
  if (entry.mac !== null) w.attribute(NDA_LLADDR, Buffer.from(entry.mac.replaceAll(':', ''), 'hex'));
  w.end();
}

export function encodeNeighbourDelete(w: MessageWriter, entry: KernelNeighbour): void {
  w.begin(RTM_DELNEIGH, 0);
  writeNeighbour(w, entry);
  w.end();
}

/** The permanent and the proxy entries: what was configured, not what was learnt. */
export function dumpNeighbours(socket: NetlinkSocket, family: Family): KernelNeighbour[] {
  const entries: KernelNeighbour[] = [];
  for (const flags of [0, NTF_PROXY]) {
    const own: KernelNeighbour[] = [];
    const encode = (w: MessageWriter): void => {
      w.begin(RTM_GETNEIGH, 0);
      ndmsg(w, family, 0, 0, flags);
      w.end();
    };
    const read = (message: Message): void => {
      const entry = decodeNeighbour(message);
      if (entry) own.push(entry);
    };
    socket.dump(`IPv${family} neighbours`, encode, read, () => own.splice(0));
    entries.push(...own);
  }
  return entries;
}

/** Null for entries that were learnt, and for messages about something else. */
export function decodeNeighbour({ type, payload }: Message): KernelNeighbour | null {
  const family = familyOfAf(payload[0]);
  if (type < RTM_NEWNEIGH || type > RTM_DELNEIGH || !family) return null;
  const found = attributes(payload, 12);
  const address = found.get(NDA_DST);
  const mac = found.get(NDA_LLADDR);
  const proxy = ((payload[10] as number) & NTF_PROXY) !== 0;
  const permanent = (readU16(payload, 8) & NUD_PERMANENT) !== 0;
  if (!address || !(proxy || (permanent && mac))) return null;
  const text = proxy || !mac ? null : mac.toString('hex').replace(/..(?=.)/g, '$&:');
  return { link: readU32(payload, 4), address: formatIp(address), mac: text };
}

function writeNeighbour(w: MessageWriter, { link, address, mac }: KernelNeighbour): void {
  ndmsg(w, familyOf(address), link, mac === null ? 0 : NUD_PERMANENT, mac === null ? NTF_PROXY : 0);
  w.attribute(NDA_DST, bytesOf(address));
}

function ndmsg(w: MessageWriter, family: Family, link: number, state: number, flags: number): void {
  w.u32(afOf(family));
  w.u32(link);
  w.u16(state);
  w.u8(flags);
  w.u8(0);
}
