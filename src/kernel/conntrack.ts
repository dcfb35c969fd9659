/** Tracked connections, as nfnetlink has them (nfnetlink_conntrack.h). */
import { type Family, formatIp, type Ip } from '../net/index.ts';
import { type Attributes, attributes, type Message, type MessageWriter } from './message.ts';
import { beginNetfilter, NFGENMSG, NFNL_SUBSYS_CTNETLINK } from './nfnetlink.ts';
import { afOf } from './rtnetlink.ts';

const CMD_GET = 1;
const CMD_DELETE = 2;
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_ID = 12;
const CTA_ZONE = 18;
const CTA_TUPLE_IP = 1;
/** Source and destination, of IPv4 or IPv6. */
const CTA_IP = [
  [1, 3],
  [2, 4],
] as const;

export interface Connection {
  readonly family: Family;
  /** Source and destination as first seen, and of the replies: they differ from the first two where NAT is at work. */
  readonly addresses: readonly Ip[];
  /** What names it to the kernel. */
  readonly identity: { readonly original: Buffer; readonly id: Buffer | undefined; readonly zone: Buffer | undefined };
}

export function encodeConnectionDump(w: MessageWriter, family: Family): void {
  beginNetfilter(w, NFNL_SUBSYS_CTNETLINK, CMD_GET, afOf(family));
  w.end();
}

export function encodeConnectionDelete(w: MessageWriter, { family, identity }: Connection): void {
  beginNetfilter(w, NFNL_SUBSYS_CTNETLINK, CMD_DELETE, afOf(family));
  const tuple = w.open(CTA_TUPLE_ORIG);
  w.raw(identity.original);
  w.close(tuple);
  if (identity.zone) w.attribute(CTA_ZONE, identity.zone);
  // The connection may have ended, and another begun between the same ports: the id tells them apart.
  if (identity.id) w.attribute(CTA_ID, identity.id);
  w.end();
}

/** `wanted` decides by the four addresses; null when it does not want it. Values are copies: the buffer may go. */
export function decodeConnection(
  message: Message,
  family: Family,
  wanted: (addresses: readonly Ip[]) => boolean,
): Connection | null {
  const found = attributes(message.payload, NFGENMSG);
  const original = found.get(CTA_TUPLE_ORIG);
  const reply = found.get(CTA_TUPLE_REPLY);
  if (!original || !reply) return null;
  const addresses = [...addressesOf(original), ...addressesOf(reply)];
  if (!wanted(addresses)) return null;
  return {
    family,
    addresses,
    identity: { original: Buffer.from(original), id: copyOf(found, CTA_ID), zone: copyOf(found, CTA_ZONE) },
  };
}

function addressesOf(tuple: Buffer): Ip[] {
  const ip = attributes(tuple).get(CTA_TUPLE_IP);
  const parts = ip && attributes(ip);
  return CTA_IP.flatMap((types) => types.flatMap((type) => parts?.get(type) ?? [])).map(formatIp);
}

function copyOf(found: Attributes, type: number): Buffer | undefined {
  const value = found.get(type);
  return value && Buffer.from(value);
}
