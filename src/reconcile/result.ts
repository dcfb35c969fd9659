/** What came of bringing a table to its desired state, and of several. */
import type { CalicoError } from '../errors/index.ts';

/** What one apply of a driver did. */
export interface ApplyResult {
  /** Changes asked of the kernel, those that failed included. */
  readonly operations: number;
  /** By the driver's key for what could not be done; everything else was done. */
  readonly errors: ReadonlyMap<string, CalicoError>;
  /** When the first of what failed is due again, in ms of the driver's clock; null: nothing waits. */
  readonly retryAt: number | null;
}

/** Milliseconds from a clock that never goes back. */
export type Clock = () => number;

/** The sum of several results: of tables that are applied one after the other. */
export function mergeResults(...results: readonly ApplyResult[]): ApplyResult {
  return {
    operations: results.reduce((sum, r) => sum + r.operations, 0),
    errors: new Map(results.flatMap((r) => [...r.errors])),
    retryAt: earliest(...results.map((r) => r.retryAt)),
  };
}

/** The first of several times; null: none, of those that are none. */
export function earliest(...times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length > 0 ? Math.min(...known) : null;
}
