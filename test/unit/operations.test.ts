/**
 * From a change in the datastore to the kernel, its cost is that of what it touches: the work of calc, and everything
 * that drivers ask of the kernel, counted at 100 and at 10,000 policies that are all active.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CalcGraph, type DataplaneUpdate, type Work } from '../../src/calc/index.ts';
import { changes, clusterOf, undo } from '../../src/calc/testing/cluster-of.ts';
import { put } from '../../src/calc/testing/resources.ts';
import { Dataplane, type DataplaneConfig } from '../../src/dataplane/index.ts';
import type { Update, WorkloadEndpoint } from '../../src/model/index.ts';
import { DEFAULT_RULES_CONFIG } from '../../src/rules/index.ts';
import { type Asked, linkUp, RecordingKernel } from './operations-kernel.ts';

const CONFIG: DataplaneConfig = {
  families: [4, 6],
  rules: DEFAULT_RULES_CONFIG,
  iptables: { backend: 'legacy', insertMode: 'insert', lockTimeout: 0 },
  refresh: { iptables: 0, routes: 0, ipsets: 0 },
  maxSetSize: 1_048_576,
  routeProtocol: 3,
  removeExternalRoutes: true,
};
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** All that some changes may ask for: IPv4 and IPv6 together. */
const FEW: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'a label of a local endpoint that no policy names': {},
  'a label of a remote endpoint': { 'members removed': 1 },
  'a rule': { 'program run': 2, chain: 2, rule: 4 },
  // Two chains for the endpoint, and a dispatch to each.
  'a new local endpoint': {
    'program run': 2,
    chain: 8,
    rule: 68,
    route: 1,
    neighbour: 1,
    'parameter read': 7,
    'parameter written': 7,
  },
};

class Host {
  readonly graph = new CalcGraph({ node: 'h1' });
  readonly kernel = new RecordingKernel();
  readonly #problems: unknown[] = [];
  #roundEnded: () => void = () => {};
  readonly #dataplane = new Dataplane({
    config: CONFIG,
    drivers: this.kernel.drivers(),
    log: { ...silent, warn: (fields) => this.#problems.push(fields), error: (fields) => this.#problems.push(fields) },
    onRound: () => this.#roundEnded(),
  });

  /** With the interfaces of all workloads. */
  async start(updates: readonly Update[]): Promise<void> {
    this.graph.onStatus('in-sync');
    await this.update(updates);
    const interfaces = updates.flatMap(({ value }) =>
      value?.id.kind === 'WorkloadEndpoint' ? [(value as WorkloadEndpoint).interfaceName] : [],
    );
    await this.#round(() =>
      this.#dataplane.onKernelEvents([...interfaces, 'cali-new'].map((name, i) => linkUp(name, i + 2))),
    );
    expect(this.#problems).toEqual([]);
  }

  /** One batch of updates, and the round that brings it to the kernel if there is anything to tell. */
  async update(updates: readonly Update[]): Promise<void> {
    this.graph.onUpdates(updates);
    const told: DataplaneUpdate[] = [];
    this.graph.flush((update) => told.push(update));
    if (told.length > 0) await this.#round(() => told.forEach((update) => void this.#dataplane.onUpdate(update)));
  }

  #round(cause: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.#roundEnded = resolve;
      cause();
    });
  }

  /** What the change makes calc do, and the dataplane ask of the kernel. Undone again. */
  async cost(change: Update): Promise<{ work: Work; asked: Asked[] }> {
    const before = this.graph.work;
    this.kernel.take();
    await this.update([change]);
    const cost = { work: difference(before, this.graph.work), asked: this.kernel.take() };
    await this.update(undo);
    return cost;
  }

  async close(): Promise<void> {
    await this.#dataplane.close();
  }
}

describe('the same operations at 100 and at 10,000 policies', () => {
  const hosts = [new Host(), new Host()];

  beforeAll(async () => {
    for (const [i, policies] of [100, 10_000].entries()) await hosts[i]?.start(clusterOf(policies).map(put));
  }, 60_000);
  afterAll(() => Promise.all(hosts.map((host) => host.close())));

  test.each(Object.entries(changes))('%s', async (name, change) => {
    const [small, large] = await Promise.all(hosts.map((host) => host.cost(change)));
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
