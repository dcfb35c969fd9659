/**
 * Whatever has happened before, what is in the kernel is what a host that has just started would put there; and no step
 * on the way is one that Linux refuses, or that lets packets past policy.
 */
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { gone, hostEndpoint, put } from '../../src/calc/testing/resources.ts';
import { type IPPool, idKey, type Kind, type Policy, type Update, type Values } from '../../src/model/index.ts';
import { cidr, ip } from '../../src/net/index.ts';
import type { Resources } from '../naive/policy.ts';
import { FakeHost } from '../random/fake-host.ts';
import { linkUp } from '../random/fake-kernel.ts';
import { KernelModel, orphans } from '../random/kernel-model.ts';
import { casesOf, SEED, WORKLOADS } from './policy-arbitrary.ts';

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
    resources: casesOf(1).map(({ resources }) => resources),
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

async function started(values: readonly Value[] = []): Promise<FakeHost<KernelModel>> {
  const fresh = new FakeHost(new KernelModel(INTERFACES));
  await fresh.update(values.map(put));
  const address = { index: 2, family: 4, address: ip('172.30.0.11'), prefixLength: 24 } as const;
  await fresh.events([...INTERFACES.map(([index, name]) => linkUp(name, index)), { type: 'address', address }]);
  return fresh;
}

const opened: FakeHost<KernelModel>[] = [];
afterAll(() => Promise.all(opened.map((each) => each.close())));

test(`${STEPS} random clusters in turn`, async () => {
  const old = await started();
  opened.push(old);
  let present = new Map<string, Value>();
  for (const [i, values] of fc.sample(cluster, { numRuns: STEPS, seed: SEED }).entries()) {
    const wanted = new Map<string, Value>(values.map((value) => [idKey(value.id), value]));
    const left = [...present].filter(([key]) => !wanted.has(key)).map(([, value]) => gone(value));
    const updates: Update[] = [...left, ...values.map(put)];
    // Half at a time: what is between two clusters is safe as well.
    const half = updates.filter((_, at) => (at * 7 + i) % 3 === 0);
    await old.update(half);
    await old.update(updates.filter((update) => !half.includes(update)));
    present = wanted;
    const { kernel, problems } = old;
    expect({ step: i, refused: kernel.refused, problems, orphans: orphans(kernel) }).toEqual({
      step: i,
      refused: [],
      problems: [],
      orphans: [],
    });
    if (i % COMPARED_EVERY > 0) continue;
    const fresh = await started(values);
    opened.push(fresh);
    expect(kernel.contents).toEqual(fresh.kernel.contents);
  }
});
