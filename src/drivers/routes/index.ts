export * from './driver.ts';
export { type Route, type RouteId, routeKey } from './route.ts';
