export * from './driver.ts';
export type { Route } from './route.ts';
