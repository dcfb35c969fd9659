/**
 * Whatever has happened before, what is in the kernel is what a host that has just started would put there; and no step
 * on the way is one that Linux refuses, or that lets packets past policy.
 */
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { gone, hostEndpoint, put } from '../../src/calc/testing/resources.ts';
import { type IPPool, idKey, type Kind, type Policy, type Update, type Values } from '../../src/model/index.ts';
import { cidr, ip } from '../../src/net/index.ts';
import type { Resources } from '../naive/resources.ts';
import { SEED, WORKLOADS, workloadClusters } from '../random/clusters.ts';
import { FakeHost } from '../random/fake-host.ts';
import { linkUp } from '../random/fake-kernel.ts';
import { KernelModel } from '../random/kernel-model.ts';

const STEPS = 150;
/** Every so many steps with a host that has just started. */
const COMPARED_EVERY = 10;

type Value = Values[Kind];
const INTERFACES = ['eth0', ...WORKLOADS.filter(({ node }) => node === 'h1').map((w) => w.interfaceName)].map(
  (name, i) => [i + 2, name] as const,
);

const pool: fc.Arbitrary<IPPool> = fc
  .record({ name: fc.constantFrom('v4', 'v6'), natOutgoing: fc.boolean(), disabled: fc.boolean() })
  .map(({ name, ...rest }) => ({
    id: { kind: 'IPPool', name },
    cidr: cidr(name === 'v4' ? '10.65.0.0/16' : 'fd00:65::/64'),
    ipip: 'never',
    vxlan: 'never',
    blockSize: 26,
    nodeSelector: 'all()',
    ...rest,
  }));
const host = fc
  .record({
    name: fc.constantFrom('e1', 'e2'),
    interfaceName: fc.constantFrom('eth0', '*', ''),
    labels: fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('x', 'y')),
    profiles: fc.constantFrom([], ['p']),
  })
  .map(({ name, ...fields }) => hostEndpoint(name, { ...fields, expectedIps: [ip('172.30.0.11')] }));
const role = fc.constantFrom<Partial<Policy>>({}, {}, { preDNAT: true, applyOnForward: true, types: ['ingress'] });
const floating = fc.constantFrom([], [], [{ internal: ip('10.65.0.1'), external: ip('192.0.2.77') }]);

/** All resources of a cluster, workloads now and then two with one interface. */
const cluster: fc.Arbitrary<Value[]> = fc
  .record({
    resources: workloadClusters,
    pools: fc.uniqueArray(pool, { selector: ({ id }) => id.name, maxLength: 2 }),
    hosts: fc.uniqueArray(host, { selector: ({ id }) => id.name, maxLength: 2 }),
    role,
    nats: floating,
    share: fc.constantFrom(false, false, true),
  })
  .map(({ resources, pools, hosts, role, nats, share }) => [
    ...pools,
    ...hosts,
    ...resources.profiles,
    ...resources.sets,
    ...resources.policies.map((p) => (p.id.kind === 'GlobalNetworkPolicy' ? { ...p, ...role } : p)),
    ...workloads(resources, share).map((w) => (w.id.name === 'w1' ? { ...w, nats } : w)),
  ]);

/** (Not two with one address: there the later one has it, which is history.) */
function workloads({ workloads: [first, second, ...rest] }: Resources, share: boolean): Resources['workloads'] {
  if (!first || !second) return [];
  const { interfaceName, node } = first;
  return [first, share ? { ...second, interfaceName, node } : second, ...rest];
}

/** What else happens at a step: an interface goes or comes, writes of chains fail, Felix starts anew. */
const weather = fc.record({
  flaps: fc.option(fc.constantFrom(...INTERFACES.slice(1).map(([, name]) => name)), { freq: 2 }),
  failing: fc.constantFrom(0, 0, 0, 1, 2, 3, 7),
  /** Felix ends, and another one finds what it left. */
  restarts: fc.constantFrom(false, false, false, true),
});

const ADDRESS = { index: 2, family: 4, address: ip('172.30.0.11'), prefixLength: 24 } as const;

class World {
  readonly kernel: KernelModel;
  #host: FakeHost<KernelModel>;
  readonly #interfaces: Map<string, number>;
  #present = new Map<string, Value>();
  #nextIndex = 100;

  private constructor(interfaces: Iterable<readonly [number, string]>) {
    this.kernel = new KernelModel(interfaces);
    this.#host = new FakeHost(this.kernel);
    this.#interfaces = new Map([...interfaces].map(([index, name]) => [name, index]));
  }

  static async start(values: readonly Value[], interfaces: Iterable<readonly [number, string]>): Promise<World> {
    const world = new World(interfaces);
    await world.#start(values);
    return world;
  }

  get problems(): object[] {
    return this.#host.problems;
  }

  async #start(values: readonly Value[]): Promise<void> {
    await this.#host.update(values.map(put));
    await this.#host.events([{ type: 'address', address: ADDRESS }]);
    this.#present = new Map(values.map((value) => [idKey(value.id), value]));
  }

  async quiet(): Promise<void> {
    this.kernel.failing = 0;
    await this.#host.quiet();
  }

  async close(): Promise<void> {
    await this.#host.close();
  }

  /** Another Felix, which finds this cluster and the kernel as it was left. */
  async restart(values: readonly Value[]): Promise<void> {
    await this.#host.close();
    this.#host = new FakeHost(this.kernel);
    await this.#start(values);
  }

  /** Half at a time: what is between two clusters is safe as well. */
  async become(values: readonly Value[], seed: number): Promise<void> {
    const wanted = new Map<string, Value>(values.map((value) => [idKey(value.id), value]));
    const left = [...this.#present].filter(([key]) => !wanted.has(key)).map(([, value]) => gone(value));
    const updates: Update[] = [...left, ...values.map(put)];
    const first = updates.filter((_, i) => (i * 7 + seed) % 3 === 0);
    await this.#host.update(first);
    await this.#host.update(updates.filter((update) => !first.includes(update)));
    this.#present = wanted;
  }

  /** The interface goes, or comes again with another index. */
  async flap(name: string): Promise<void> {
    const { kernel } = this;
    const index = this.#interfaces.get(name);
    if (index === undefined) {
      this.#interfaces.set(name, ++this.#nextIndex);
      kernel.interfaces.set(this.#nextIndex, name);
      return this.#host.events([linkUp(name, this.#nextIndex)]);
    }
    this.#interfaces.delete(name);
    kernel.removeInterface(index);
    const event = linkUp(name, index);
    await this.#host.events(event.type === 'link' ? [{ ...event, type: 'link-gone' }] : []);
  }
}

const opened: World[] = [];
afterAll(() => Promise.all(opened.map((world) => world.close())));

test(`${STEPS} random clusters in turn`, async () => {
  const world = await World.start([], INTERFACES);
  opened.push(world);
  const { kernel } = world;
  const steps = fc.sample(fc.tuple(cluster, weather), { numRuns: STEPS, seed: SEED });
  for (const [step, [values, { flaps, failing, restarts }]] of steps.entries()) {
    world.problems.length = 0;
    kernel.failing = failing;
    if (restarts) await world.restart(values);
    else await world.become(values, step);
    if (flaps !== null) await world.flap(flaps);
    const found = { step, refused: kernel.refused, orphans: kernel.chains.orphans };
    expect(found).toEqual({ step, refused: [], orphans: [] });
    if (failing === 0) expect(world.problems).toEqual([]);
    if (step % COMPARED_EVERY > 0) continue;
    await world.quiet();
    const fresh = await World.start(values, kernel.interfaces);
    opened.push(fresh);
    expect(kernel.contents).toEqual(fresh.kernel.contents);
    expect([...kernel.parameters]).toEqual(expect.arrayContaining([...fresh.kernel.parameters]));
  }
});
