/** Desired and actual state of a kernel table, and the fewest operations from one to the other. Pure. */
export * from './backoff.ts';
export * from './dump.ts';
export * from './result.ts';
export * from './set-tracker.ts';
export * from './slices.ts';
export * from './tracker.ts';
