/** From a bandwidth limit, as people say it, to the token bucket that the kernel is to have. Pure. */
import { createHash } from 'node:crypto';
import type { TokenBucket } from '../../kernel/index.ts';

/** A limit on the traffic of one direction. */
export interface Bandwidth {
  /** bits a second */
  readonly rate: number;
  /** bits that may pass at once, at the peak rate if there is one, else as fast as the host can */
  readonly burst: number;
  /** bits a second; more than the rate */
  readonly peakRate?: number;
  /** bytes that may pass at once even at the peak rate; default: a packet of the link's MTU */
  readonly minBurst?: number;
}

/** `ingress`: to the workload. */
export interface BandwidthLimits {
  readonly ingress?: Bandwidth;
  readonly egress?: Bandwidth;
}

const ETHERNET_HEADER = 14;
/** How long a packet may wait for tokens, in seconds. */
const LATENCY = 0.025;
/** The largest packet that the host hands over to be cut by the device, and one more. */
const LARGEST_PACKETS = 2 * 65536;
const U32_MAX = 0xffffffff;
/** The kernel's limit for the name of a link. */
const MAX_NAME = 15;

export const IFB_PREFIX = 'bwcali';

/** The link that what comes from a workload passes on its way, for its token bucket: named as upstream's. */
export function ifbName(device: string): string {
  return `${IFB_PREFIX}${createHash('sha512').update(device).digest('hex')}`.slice(0, MAX_NAME);
}

/**
 * A bucket smaller than a packet would let none pass: it is as large as one at least. The queue holds what passes in 25 ms,
 * and a burst, so that none of its packets is lost for want of room; but no more than two of the largest packets: a
 * workload that sends too fast is to lose packets, not to fill the host's memory.
 */
export function tokenBucket({ rate, burst, peakRate, minBurst }: Bandwidth, mtu: number): TokenBucket {
  const bytesPerSecond = bytes(rate);
  const packet = mtu + ETHERNET_HEADER;
  const size = Math.min(Math.max(bytes(burst), packet), U32_MAX);
  return {
    rate: bytesPerSecond,
    burst: size,
    limit: Math.min(Math.floor(bytesPerSecond * LATENCY) + Math.min(size, LARGEST_PACKETS), U32_MAX),
    peakRate: peakRate === undefined ? 0 : bytes(peakRate),
    peakBurst: peakRate === undefined ? 0 : Math.max(minBurst ?? packet, packet),
  };
}

const bytes = (bits: number): number => Math.floor(bits / 8);
