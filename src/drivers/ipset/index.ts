export * from './driver.ts';
export type { SetGap } from './gaps.ts';
