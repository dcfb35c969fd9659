/** The long form of test/system/kernel-packets.test.ts: 10,000 packets over each backend of iptables. */
import { expect, test } from 'vitest';
import { type Backend, KernelHost } from '../random/kernel-host.ts';
import { run } from '../random/kernel-run.ts';
import { enterOwnNamespace } from '../system/own-namespace.ts';

const CLUSTERS = 500;
const PACKETS = 20;
/** How often each match, action, kind of endpoint and hook has to be met. */
const OFTEN = 50;

test.each<[Backend, number]>([
  ['legacy', 11],
  ['nft', 12],
])(`%s: ${CLUSTERS} random clusters, ${PACKETS} random packets each`, async (backend, seed) => {
  enterOwnNamespace();
  const host = new KernelHost(`t-${process.pid}-${backend}`, backend);
  try {
    const { packets, coverage, differing } = await run(host, { clusters: CLUSTERS, packets: PACKETS, seed });
    console.info(coverage.table());
    expect(differing).toEqual([]);
    expect(packets).toBe(CLUSTERS * PACKETS);
    expect(coverage.lacking(OFTEN)).toEqual([]);
  } finally {
    await host.close();
  }
});
