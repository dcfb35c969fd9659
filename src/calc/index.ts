/** The calculation graph: what does this host need? Pure, synchronous, incremental. */
export * from './graph.ts';
export * from './output.ts';
export type { RouteSource } from './remote-routes.ts';
export * from './state.ts';
export type { Work } from './work.ts';
