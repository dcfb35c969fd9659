/** IP sets as nfnetlink has them (ip_set.h): what the ipset program does, without a process. */
import type { Family } from '../net/index.ts';
import { readMember, writeMember } from './ipset-member.ts';
import {
  type Attributes,
  attributes,
  eachAttribute,
  type Message,
  type MessageWriter,
  NLM_F_EXCL,
  readText,
  readU32,
} from './message.ts';
import { beginNetfilter, NFGENMSG, NFNL_SUBSYS_IPSET } from './nfnetlink.ts';
import { afOf, familyOfAf } from './rtnetlink.ts';
import type { Failure, NetlinkSocket } from './socket.ts';

const CMD_CREATE = 2;
const CMD_DESTROY = 3;
const CMD_RENAME = 5;
const CMD_SWAP = 6;
const CMD_LIST = 7;
const CMD_ADD = 9;
const CMD_DEL = 10;
const ATTR_PROTOCOL = 1;
const ATTR_SETNAME = 2;
const ATTR_TYPENAME = 3;
const ATTR_SETNAME2 = 3;
const ATTR_REVISION = 4;
const ATTR_FAMILY = 5;
const ATTR_FLAGS = 6;
const ATTR_DATA = 7;
const ATTR_ADT = 8;
const ATTR_LINENO = 9;
const ATTR_MAXELEM = 19;
const FLAG_LIST_HEADER = 4;
/** Every kernel since 2.6.39 speaks it, those with 7, too. */
const PROTOCOL = 6;
/** The first revision of each type that has all we use; kernels keep the old ones. */
const REVISION = 1;

export type IpSetType = 'hash:net' | 'hash:ip' | 'hash:ip,port';

export interface IpSet {
  /** At most 31 characters. */
  readonly name: string;
  readonly type: IpSetType;
  readonly family: Family;
  readonly maxElements: number;
}

/** A set that exists; `type` may be one of the many that we never use. */
export interface IpSetHeader {
  readonly name: string;
  readonly type: string;
  readonly family: Family | null;
  readonly maxElements: number;
}

/** Members to put into or take out of one set: one message, so at most `MEMBERS_A_MESSAGE`. */
export interface MemberChange {
  readonly set: IpSet;
  readonly command: 'add' | 'remove';
  readonly members: readonly string[];
}

/** The length of an attribute has 16 bits, and an IPv6 member takes up to 60 bytes. */
export const MEMBERS_A_MESSAGE = 800;

export function encodeSetCreate(w: MessageWriter, set: IpSet): void {
  begin(w, CMD_CREATE, set.name, NLM_F_EXCL);
  w.attributeText(ATTR_TYPENAME, set.type);
  w.attributeU8(ATTR_REVISION, REVISION);
  w.attributeU8(ATTR_FAMILY, afOf(set.family));
  const data = w.open(ATTR_DATA);
  w.attributeU32Be(ATTR_MAXELEM, set.maxElements);
  w.close(data);
  w.end();
}

export function encodeSetDestroy(w: MessageWriter, name: string): void {
  begin(w, CMD_DESTROY, name);
  w.end();
}

/** Only for a set that no rule names. */
export function encodeSetRename(w: MessageWriter, [from, to]: readonly [string, string]): void {
  begin(w, CMD_RENAME, from);
  w.attributeText(ATTR_SETNAME2, to);
  w.end();
}

/** Exchanges what two sets contain: rules that name the one see the other's members and type at once. */
export function encodeSetSwap(w: MessageWriter, [a, b]: readonly [string, string]): void {
  begin(w, CMD_SWAP, a);
  w.attributeText(ATTR_SETNAME2, b);
  w.end();
}

/** Adding what is there and removing what is not is no failure. The members must be ones that `isMember` accepts. */
export function encodeMemberChange(w: MessageWriter, { set, command, members }: MemberChange): void {
  begin(w, command === 'add' ? CMD_ADD : CMD_DEL, set.name);
  w.attributeU32(ATTR_LINENO, 0);
  const list = w.open(ATTR_ADT);
  for (const [line, member] of members.entries()) {
    const data = w.open(ATTR_DATA);
    writeMember(w, set.type, member);
    w.attributeU32(ATTR_LINENO, line);
    w.close(data);
  }
  w.close(list);
  w.end();
}

/** Index of the member at which the kernel stopped: those before it are done. Null: it never began. */
export function stoppedAt(failure: Failure): number | null {
  const line = attributes(failure.echo, 16 + NFGENMSG).get(ATTR_LINENO);
  return line ? readU32(line) : null;
}

/** Every set of this namespace. */
export function dumpSetHeaders(socket: NetlinkSocket): IpSetHeader[] {
  const headers: IpSetHeader[] = [];
  const encode = (w: MessageWriter): void => {
    beginNetfilter(w, NFNL_SUBSYS_IPSET, CMD_LIST, 0);
    w.attributeU8(ATTR_PROTOCOL, PROTOCOL);
    w.attributeU32Be(ATTR_FLAGS, FLAG_LIST_HEADER);
    w.end();
  };
  const read = ({ payload }: Message): void => {
    const header = headerOf(attributes(payload, NFGENMSG));
    if (header) headers.push(header);
  };
  socket.dump('IP sets', encode, read, () => headers.splice(0));
  return headers;
}

/** The members of one set, as text. */
export function dumpSetMembers(socket: NetlinkSocket, set: IpSet): Set<string> {
  const members = new Set<string>();
  const encode = (w: MessageWriter): void => {
    begin(w, CMD_LIST, set.name);
    w.end();
  };
  const read = ({ payload }: Message): void => {
    const list = attributes(payload, NFGENMSG).get(ATTR_ADT);
    for (const [, data] of list ? eachAttribute(list) : []) members.add(readMember(set.type, data));
  };
  socket.dump(`IP set ${set.name}`, encode, read, () => members.clear());
  return members;
}

function begin(w: MessageWriter, command: number, name: string, flags = 0): void {
  beginNetfilter(w, NFNL_SUBSYS_IPSET, command, 0, flags);
  w.attributeU8(ATTR_PROTOCOL, PROTOCOL);
  w.attributeText(ATTR_SETNAME, name);
}

function headerOf(found: Attributes): IpSetHeader | null {
  const name = found.get(ATTR_SETNAME);
  const type = found.get(ATTR_TYPENAME);
  const data = found.get(ATTR_DATA);
  if (!name || !type) return null;
  return {
    name: readText(name),
    type: readText(type),
    family: familyOfAf(found.get(ATTR_FAMILY)?.[0]),
    maxElements: (data && attributes(data).get(ATTR_MAXELEM)?.readUInt32BE()) ?? 0,
  };
}
