export * from './driver.ts';
export { type Route, routeKey } from './route.ts';
