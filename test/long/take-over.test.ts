/** The long form of test/system/take-over.test.ts: all states that upstream's Felix was recorded to leave, over both backends. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { RECORDINGS, recordings } from '../scenario/recordings.ts';
import { takeOver } from '../scenario/take-over.ts';

/** Its states are of Felixes that were away, and of kernels damaged by hand. */
const OF_FAULTS = 'felix-faults';

const states = recordings
  .filter((name) => name !== OF_FAULTS)
  .flatMap((name) =>
    readdirSync(`${RECORDINGS}/${name}/recorded/kernel`).map((folder) => [name, folder.replace(/^\d+-/, '')] as const),
  )
  .flatMap(([name, step]) => (['legacy', 'nft'] as const).map((backend) => [name, step, backend] as const));

let started = 0;

test.concurrent.each(states)('%s after %s, over %s', async (name, step, backend) => {
  const prefix = `t${process.pid % 10000}x${started++}-`;
  const { sent, ...found } = await takeOver(`${RECORDINGS}/${name}`, prefix, backend, step);
  expect(sent).toBeGreaterThan(200);
  expect(found).toEqual({ wrong: [], differences: [] });
});
