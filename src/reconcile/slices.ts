/** Work that is long is done a moment at a time, so that others have their turns in between. */
import type { Clock } from './result.ts';

const SLICE_MS = 20;

/** Takes the steps, each of which does a little. */
export async function inSlices(steps: Iterable<unknown>, clock: Clock): Promise<void> {
  let began = clock();
  for (const _ of steps) {
    if (clock() - began < SLICE_MS) continue;
    await new Promise((resolve) => setImmediate(resolve));
    began = clock();
  }
}
