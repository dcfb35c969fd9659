/**
 * Filters that send everything that comes in by a link out of another one instead: of kind u32, matching every packet, with
 * one mirred action (tc-u32(8), tc-mirred(8)).
 */
import {
  attributes,
  type Message,
  type MessageWriter,
  NLM_F_CREATE,
  NLM_F_EXCL,
  readText,
  readU32,
} from './message.ts';
import { INGRESS_HANDLE, TCA_KIND, TCA_OPTIONS, TCMSG_BYTES, tcmsg } from './qdisc.ts';
import { RTM_DELTFILTER, RTM_GETTFILTER, RTM_NEWTFILTER } from './rtnetlink.ts';
import type { NetlinkSocket } from './socket.ts';

const TCA_U32_CLASSID = 1;
const TCA_U32_SEL = 5;
const TCA_U32_ACT = 7;
const TC_U32_TERMINAL = 1;
const TCA_ACT_KIND = 1;
const TCA_ACT_OPTIONS = 2;
const TCA_MIRRED_PARMS = 2;
const TC_ACT_STOLEN = 4;
const TCA_EGRESS_REDIR = 1;

const PRIORITY = 1;
/** `1:1`, of which nothing depends: what tc(8) examples write. */
const CLASS_ID = 0x10001;

export interface KernelRedirect {
  /** Index of the link whose packets are redirected; it has an ingress qdisc. */
  readonly link: number;
  /** Index of the link that they leave by; 0 when that is gone: then they are dropped. */
  readonly to: number;
}

export function encodeRedirectAdd(w: MessageWriter, { link, to }: KernelRedirect): void {
  w.begin(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL);
  tcmsg(w, link, 0, INGRESS_HANDLE, everyProtocol());
  w.attributeText(TCA_KIND, 'u32');
  const options = w.open(TCA_OPTIONS);
  w.attributeU32(TCA_U32_CLASSID, CLASS_ID);
  w.attribute(TCA_U32_SEL, everyPacket());
  const actions = w.open(TCA_U32_ACT);
  const action = w.open(1);
  w.attributeText(TCA_ACT_KIND, 'mirred');
  const mirred = w.open(TCA_ACT_OPTIONS);
  w.attribute(
    TCA_MIRRED_PARMS,
    new Uint8Array(new Uint32Array([0, 0, TC_ACT_STOLEN, 0, 0, TCA_EGRESS_REDIR, to]).buffer),
  );
  for (const nest of [mirred, action, actions, options]) w.close(nest);
  w.end();
}

/** All filters of this priority for every protocol go. */
export function encodeRedirectDelete(w: MessageWriter, { link }: Pick<KernelRedirect, 'link'>): void {
  w.begin(RTM_DELTFILTER, 0);
  tcmsg(w, link, 0, INGRESS_HANDLE, everyProtocol());
  w.end();
}

/** The redirecting filters of this link's ingress, in their order. */
export function dumpRedirects(socket: NetlinkSocket, link: number): KernelRedirect[] {
  const found: KernelRedirect[] = [];
  const encode = (w: MessageWriter): void => {
    w.begin(RTM_GETTFILTER, 0);
    tcmsg(w, link, 0, INGRESS_HANDLE, 0);
    w.end();
  };
  const read = (message: Message): void => {
    const redirect = decodeRedirect(message);
    if (redirect) found.push(redirect);
  };
  socket.dump('filters', encode, read, () => found.splice(0));
  return found;
}

/** Null for messages about something else, and for filters that do something else. */
function decodeRedirect({ type, payload }: Message): KernelRedirect | null {
  if (type !== RTM_NEWTFILTER) return null;
  const actions = within(attributes(payload, TCMSG_BYTES).get(TCA_OPTIONS), TCA_U32_ACT);
  const action = within(actions, 1);
  const kind = within(action, TCA_ACT_KIND);
  const parameters = within(within(action, TCA_ACT_OPTIONS), TCA_MIRRED_PARMS);
  if (!kind || readText(kind) !== 'mirred' || !parameters || readU32(parameters, 20) !== TCA_EGRESS_REDIR) return null;
  return { link: readU32(payload, 4), to: readU32(parameters, 24) };
}

function within(bytes: Buffer | undefined, type: number): Buffer | undefined {
  return bytes && attributes(bytes).get(type);
}

/** Priority and ETH_P_ALL, which is in network order. */
function everyProtocol(): number {
  const [etherType = 0] = new Uint16Array(new Uint8Array([0, 3]).buffer);
  return PRIORITY * 0x10000 + etherType;
}

/** `struct tc_u32_sel` with one key of no bits. */
function everyPacket(): Uint8Array {
  const bytes = new Uint8Array(32);
  bytes[0] = TC_U32_TERMINAL;
  bytes[2] = 1;
  return bytes;
}
