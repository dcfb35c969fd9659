/**
 * From a change in the datastore to the kernel, its cost is that of what it touches: the work of calc, and everything
 * that drivers ask of the kernel, counted at 100 and at 10,000 policies that are all active.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Work } from '../../src/calc/index.ts';
import { changes, clusterOf, undo } from '../../src/calc/testing/cluster-of.ts';
import { put } from '../../src/calc/testing/resources.ts';
import type { Update, WorkloadEndpoint } from '../../src/model/index.ts';
import { FakeHost } from '../random/fake-host.ts';
import { linkUp } from '../random/fake-kernel.ts';
import { type Asked, RecordingKernel } from './operations-kernel.ts';

/** All that some changes may ask for: IPv4 and IPv6 together. */
const FEW: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'a label of a local endpoint that no policy names': {},
  'a label of a remote endpoint': { 'members removed': 1 },
  'a rule': { 'program run': 2, chain: 2, rule: 4 },
  // Two chains for the endpoint, with policies of two tiers, and a dispatch to each.
  'a new local endpoint': {
    'program run': 2,
    chain: 8,
    rule: 84,
    route: 1,
    neighbour: 1,
    'parameter read': 7,
    'parameter written': 7,
  },
};

/** With all of the cluster in its kernel, and the interfaces of all workloads. */
async function start(host: FakeHost<RecordingKernel>, cluster: readonly Update[]): Promise<void> {
  await host.update(cluster);
  const interfaces = cluster.flatMap(({ value }) =>
    value?.id.kind === 'WorkloadEndpoint' ? [(value as WorkloadEndpoint).interfaceName] : [],
  );
  await host.events([...interfaces, 'cali-new'].map((name, i) => linkUp(name, i + 2)));
  expect(host.problems).toEqual([]);
}

/** What the change makes calc do, and the dataplane ask of the kernel. Undone again. */
async function cost(host: FakeHost<RecordingKernel>, change: Update): Promise<{ work: Work; asked: Asked[] }> {
  const before = host.graph.work;
  host.kernel.take();
  await host.update([change]);
  const result = { work: difference(before, host.graph.work), asked: host.kernel.take() };
  await host.update(undo);
  return result;
}

describe('the same operations at 100 and at 10,000 policies', () => {
  const hosts = [new FakeHost(new RecordingKernel()), new FakeHost(new RecordingKernel())] as const;

  beforeAll(async () => {
    await start(hosts[0], clusterOf(100).map(put));
    await start(hosts[1], clusterOf(10_000).map(put));
  }, 60_000);
  afterAll(() => Promise.all(hosts.map((host) => host.close())));

  test.each(Object.entries(changes))('%s', async (name, change) => {
    const [small, large] = await Promise.all(hosts.map((host) => cost(host, change)));
    expect(large).toEqual(small);
    expect(small?.asked.length).toBeLessThan(200);
    const few = FEW[name];
    if (few) expect(counts(small?.asked ?? [])).toEqual(few);
  });
});

function counts(asked: readonly Asked[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { what } of asked) counts[what] = (counts[what] ?? 0) + 1;
  return counts;
}

function difference(before: Work, after: Work): Work {
  const names = Object.keys(before) as (keyof Work)[];
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as Record<keyof Work, number>;
}
