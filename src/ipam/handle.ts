/** A handle as it is stored: how many addresses of which block belong together. */

import { parseJson, toJson } from '../api/json.ts';

export type HandleCounts = Record<string, number>;

/** What is no count is left out. */
export function parseHandle(json: string): HandleCounts {
  const stored = parseJson(json) as { block?: unknown } | null;
  const counts = typeof stored?.block === 'object' ? Object.entries(stored.block ?? {}) : [];
  return Object.fromEntries(counts.filter(([, count]) => Number.isInteger(count)));
}

/** The text after so many addresses more (or fewer) of the blocks; null where none is left: the handle goes. */
export function countedHandle(stored: string | null, gains: ReadonlyMap<string, number>): string | null {
  const counts = stored === null ? {} : parseHandle(stored);
  for (const [block, gain] of gains) {
    const count = (counts[block] ?? 0) + gain;
    if (count > 0) counts[block] = count;
    else delete counts[block];
  }
  const block = Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
  return Object.keys(block).length > 0 ? toJson({ block, deleted: false }) : null;
}
