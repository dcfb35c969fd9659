/** Limits on a workload's traffic, decoded: defaults are filled in, and what is out of range is at the end of its range. */
import type { Direction } from './policy.ts';

export interface Bandwidth {
  /** bits a second */
  readonly rate: number;
  /** bits that may pass at once */
  readonly burst: number;
  /** bits a second, more than the rate: what a burst passes at; absent: as fast as it can. */
  readonly peakRate?: number;
  /** bytes that may pass at once even at the peak rate; absent: a packet. */
  readonly minBurst?: number;
}

export interface PacketRate {
  /** packets */
  readonly perSecond: number;
  /** packets that may pass at once */
  readonly burst: number;
}

/** What is absent is not limited. */
export interface TrafficLimits {
  readonly bandwidth?: Bandwidth;
  readonly packetRate?: PacketRate;
  /** TCP connections at a time. */
  readonly maxConnections?: number;
}

/** `ingress`: to the workload. At least one limit or the DSCP is there. */
export interface QosControls extends Readonly<Record<Direction, TrafficLimits>> {
  /** Of the IP headers of what the workload sends out of the cluster: 0–63. */
  readonly dscp?: number;
}
