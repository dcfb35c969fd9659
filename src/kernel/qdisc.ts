/** Queueing disciplines as rtnetlink has them: the token bucket at a link's root, and the hook for its ingress (tc(8)). */
import {
  attributes,
  type Message,
  type MessageWriter,
  NLM_F_CREATE,
  NLM_F_REPLACE,
  readText,
  readU32,
  readU64,
} from './message.ts';
import { RTM_DELQDISC, RTM_GETQDISC, RTM_NEWQDISC } from './rtnetlink.ts';
import type { NetlinkSocket } from './socket.ts';

const TC_H_ROOT = 0xffffffff;
const TC_H_INGRESS = 0xfffffff1;
/** `ffff:`, what the ingress qdisc is called by filters. */
export const INGRESS_HANDLE = 0xffff0000;
/** `1:` */
const ROOT_HANDLE = 0x10000;

export const TCA_KIND = 1;
export const TCA_OPTIONS = 2;
export const TCMSG_BYTES = 20;

const TCA_TBF_PARMS = 1;
const TCA_TBF_RATE64 = 4;
const TCA_TBF_PRATE64 = 5;
const TCA_TBF_BURST = 6;
const TCA_TBF_PBURST = 7;
const TC_LINKLAYER_ETHERNET = 1;
const U32_MAX = 0xffffffff;
/** The kernel tells a bucket's size as the time that it takes to fill, in ticks of 64 ns, of which it keeps 32 bits. */
const TICKS_PER_SECOND = 1e9 / 64;
const TICKS_WRAP = 2 ** 32;

/** All in bytes or bytes a second; peak rate and its burst are both 0 when there is none. */
export interface TokenBucket {
  readonly rate: number;
  readonly burst: number;
  /** Packets that wait for tokens: the size of the queue. */
  readonly limit: number;
  readonly peakRate: number;
  readonly peakBurst: number;
}

/** Null bucket: a root qdisc of another kind (no default one), or the ingress qdisc. */
export interface KernelQdisc {
  /** Index of the link. */
  readonly link: number;
  readonly at: 'root' | 'ingress';
  readonly kind: string;
  /** Of kind `tbf` only. Bursts are modulo 2^32 ticks: compare with `sameBucket`. */
  readonly bucket: TokenBucket | null;
}

export interface KernelTokenBucket extends TokenBucket {
  readonly link: number;
}

/** At the link's root. A bucket that is there gets the new parameters, and keeps its queue. */
export function encodeTokenBucketReplace(w: MessageWriter, q: KernelTokenBucket): void {
  w.begin(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE);
  tcmsg(w, q.link, ROOT_HANDLE, TC_H_ROOT, 0);
  w.attributeText(TCA_KIND, 'tbf');
  const options = w.open(TCA_OPTIONS);
  w.attribute(TCA_TBF_PARMS, parameters(q));
  if (q.rate >= U32_MAX) w.attribute(TCA_TBF_RATE64, u64(q.rate));
  w.attributeU32(TCA_TBF_BURST, q.burst);
  if (q.peakRate > 0) {
    if (q.peakRate >= U32_MAX) w.attribute(TCA_TBF_PRATE64, u64(q.peakRate));
    w.attributeU32(TCA_TBF_PBURST, q.peakBurst);
  }
  w.close(options);
  w.end();
}

export function encodeRootDelete(w: MessageWriter, { link }: { readonly link: number }): void {
  w.begin(RTM_DELQDISC, 0);
  tcmsg(w, link, 0, TC_H_ROOT, 0);
  w.end();
}

/** The qdisc that filters for what comes in by a link hang on. One that is there stays, with its filters. */
export function encodeIngressAdd(w: MessageWriter, { link }: { readonly link: number }): void {
  w.begin(RTM_NEWQDISC, NLM_F_CREATE);
  tcmsg(w, link, INGRESS_HANDLE, TC_H_INGRESS, 0);
  w.attributeText(TCA_KIND, 'ingress');
  w.end();
}

/** Its filters go with it. */
export function encodeIngressDelete(w: MessageWriter, { link }: { readonly link: number }): void {
  w.begin(RTM_DELQDISC, 0);
  tcmsg(w, link, INGRESS_HANDLE, TC_H_INGRESS, 0);
  w.end();
}

/** Of all links: those at the root and those for ingress. */
export function dumpQdiscs(socket: NetlinkSocket): KernelQdisc[] {
  const found: KernelQdisc[] = [];
  const encode = (w: MessageWriter): void => {
    w.begin(RTM_GETQDISC, 0);
    tcmsg(w, 0, 0, 0, 0);
    w.end();
  };
  const read = (message: Message): void => {
    const qdisc = decodeQdisc(message);
    if (qdisc) found.push(qdisc);
  };
  socket.dump('qdiscs', encode, read, () => found.splice(0));
  return found;
}

/** Null for messages about something else, and for qdiscs within others. */
export function decodeQdisc({ type, payload }: Message): KernelQdisc | null {
  if (type !== RTM_NEWQDISC) return null;
  const parent = readU32(payload, 12);
  if (parent !== TC_H_ROOT && parent !== TC_H_INGRESS) return null;
  const found = attributes(payload, TCMSG_BYTES);
  const kind = readText(found.get(TCA_KIND) ?? Buffer.alloc(0));
  const options = kind === 'tbf' ? found.get(TCA_OPTIONS) : undefined;
  return {
    link: readU32(payload, 4),
    at: parent === TC_H_ROOT ? 'root' : 'ingress',
    kind,
    bucket: options ? decodeBucket(options) : null,
  };
}

/** Equal as far as the kernel tells: times to fill are rounded, and kept modulo 2^32 ticks. */
export function sameBucket(a: TokenBucket, b: TokenBucket): boolean {
  return (
    a.rate === b.rate &&
    a.limit === b.limit &&
    a.peakRate === b.peakRate &&
    sameTicks(ticks(a.burst, a.rate), ticks(b.burst, b.rate)) &&
    sameTicks(ticks(a.peakBurst, a.peakRate), ticks(b.peakBurst, b.peakRate))
  );
}

function sameTicks(a: number, b: number): boolean {
  const apart = Math.abs((a % TICKS_WRAP) - (b % TICKS_WRAP));
  // The kernel multiplies by a reciprocal of 32 bits.
  return Math.min(apart, TICKS_WRAP - apart) <= 2 + Math.max(a, b) * 1e-9;
}

const ticks = (bytes: number, rate: number): number => (rate === 0 ? 0 : (bytes / rate) * TICKS_PER_SECOND);

/** `struct tc_tbf_qopt`: two rate specifications, then the queue's size; times to fill are told by attributes of their own. */
function parameters({ rate, limit, peakRate }: TokenBucket): Uint8Array {
  const words = new Uint32Array(9);
  const bytes = new Uint8Array(words.buffer);
  words[2] = Math.min(rate, U32_MAX);
  words[5] = Math.min(peakRate, U32_MAX);
  words[6] = limit;
  // With a link layer named, the kernel wants no table of transmission times.
  bytes[1] = TC_LINKLAYER_ETHERNET;
  if (peakRate > 0) bytes[13] = TC_LINKLAYER_ETHERNET;
  return bytes;
}

function decodeBucket(options: Buffer): TokenBucket {
  const found = attributes(options);
  const parms = found.get(TCA_TBF_PARMS) ?? Buffer.alloc(36);
  const rate = readRate(found.get(TCA_TBF_RATE64), readU32(parms, 8));
  const peakRate = readRate(found.get(TCA_TBF_PRATE64), readU32(parms, 20));
  return {
    rate,
    burst: (readU32(parms, 28) / TICKS_PER_SECOND) * rate,
    limit: readU32(parms, 24),
    peakRate,
    peakBurst: peakRate === 0 ? 0 : (readU32(parms, 32) / TICKS_PER_SECOND) * peakRate,
  };
}

function readRate(wide: Buffer | undefined, narrow: number): number {
  return wide ? Number(readU64(wide)) : narrow;
}

function u64(value: number): Uint8Array {
  return new Uint8Array(new BigUint64Array([BigInt(value)]).buffer);
}

/** `struct tcmsg`, the fixed header of everything of tc's. */
export function tcmsg(w: MessageWriter, link: number, handle: number, parent: number, info: number): void {
  w.u32(0);
  w.u32(link);
  w.u32(handle);
  w.u32(parent);
  w.u32(info);
}
