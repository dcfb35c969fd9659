/** Random packets under random policy through the kernel of one host: its fate for each is the evaluator's and the naive one. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KernelHost } from '../random/kernel-host.ts';
import { run } from '../random/kernel-run.ts';
import { enterOwnNamespace } from './own-namespace.ts';

const CLUSTERS = 50;
const PACKETS = 10;

let host: KernelHost | undefined;
beforeAll(() => {
  enterOwnNamespace();
  host = new KernelHost(`t-${process.pid}-others`, 'legacy');
});
afterAll(() => host?.close());

test(`${CLUSTERS} random clusters, ${PACKETS} random packets each`, async () => {
  const { packets, coverage, differing } = await run(host as KernelHost, { clusters: CLUSTERS, packets: PACKETS });
  console.info(coverage.table());
  expect(differing).toEqual([]);
  expect(packets).toBe(CLUSTERS * PACKETS);
  expect(coverage.lacking(1)).toEqual([]);
});
