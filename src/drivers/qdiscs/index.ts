export * from './driver.ts';
export type { Bandwidth, BandwidthLimits } from './limits.ts';
