/**
 * Every kind, from what upstream was recorded to accept: what is valid survives being written, read and written again; what
 * is changed somewhere stays valid, or is refused with an error that names a field.
 */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidResource, KINDS, type Resource } from '../api/index.ts';
import { CalicoError } from '../errors/index.ts';
import { Client } from './client.ts';
import { MemoryStore } from './memory/store.ts';

const FOLDER = new URL('../../test/vectors/', import.meta.url);
const readJson = (file: string) => JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'));

interface Verdict {
  readonly accepted: boolean;
}

/** Valid resources: what calicoctl accepted, and what it wrote. */
function seeds(): Resource[] {
  const accepted = readdirSync(new URL('validation/', FOLDER))
    .filter((file) => file.endsWith('.json'))
    .flatMap(
      (file) => readJson(`validation/${file}`) as { input: Resource; 'v3.15.0': Verdict; 'v3.34-dev': Verdict }[],
    )
    .filter((c) => c['v3.15.0'].accepted || c['v3.34-dev'].accepted)
    .map(({ input }) => input);
  const written = readdirSync(new URL('datastore/', FOLDER))
    .filter((file) => file.replace('.json', '') in KINDS)
    .flatMap((file) => readJson(`datastore/${file}`) as { 'v3.34-dev': { written?: { value: Resource }[] } }[])
    .flatMap((c) => (c['v3.34-dev'].written ?? []).map(({ value }) => value));
  return [...accepted, ...written, ...OWN];
}

const own = (kind: string, spec: object): Resource => ({
  apiVersion: 'projectcalico.org/v3',
  kind,
  metadata: { name: kind === 'IPAMConfig' ? 'default' : 'x' },
  spec: { ...spec },
});
/** Of kinds that calicoctl does not write. */
const OWN = [
  own('ClusterInformation', { clusterGUID: 'g', datastoreReady: true }),
  own('BlockAffinity', { state: 'confirmed', node: 'n1', cidr: '10.0.0.0/26', deleted: 'false' }),
  own('IPAMBlock', {
    cidr: '10.0.0.0/26',
    affinity: 'host:n1',
    allocations: [0, null],
    unallocated: [1],
    attributes: [{ handle_id: 'h', secondary: { node: 'n1' } }],
    sequenceNumber: 1639999999999999999n,
  }),
  own('IPAMHandle', { handleID: 'h', block: { '10.0.0.0/26': 1 } }),
  own('IPAMConfig', { strictAffinity: true, autoAllocateBlocks: true }),
  own('LiveMigration', {
    Source: { WorkloadEndpoint: { Hostname: 'a', OrchestratorID: 'openstack', WorkloadID: 'w', EndpointID: 'e' } },
    Target: { Selector: "vm == 'a'" },
  }),
];

const SEEDS = seeds();

/** A client whose datastore has what policies and peers refer to. */
async function openClient(): Promise<Client> {
  const client = new Client(new MemoryStore(), { now: () => 0, newUuid: () => 'u' });
  for (const name of ['f1', 'f2']) await client.create(own('BGPFilter', {})).catch(() => name);
  await client.create({ ...own('Tier', { order: 1 }), metadata: { name: 'security' } });
  return client;
}

function withoutVersion({ metadata: { resourceVersion: _, ...metadata }, ...rest }: Resource): Resource {
  return { ...rest, metadata };
}

async function textOf(client: Client, resource: Resource): Promise<string> {
  const { items } = await client.store.list('/calico/resources/');
  const named = items.filter(({ value }) => value.startsWith(`{"kind":"${resource.kind}"`));
  return JSON.stringify(named.map(({ key, value }) => [key, value]));
}

/** Creates it, and writes what is read of it again: nothing changes. Resolves to false where it is refused. */
async function survives(input: Resource): Promise<CalicoError | null> {
  const client = await openClient();
  let created: Resource;
  try {
    const { resourceVersion: _, ...metadata } = input.metadata ?? {};
    created = await client.create({ ...input, ...(input.metadata && { metadata: metadata as Resource['metadata'] }) });
  } catch (error) {
    if (error instanceof CalicoError) return error;
    throw error;
  }
  const { kind, metadata } = created;
  const before = await textOf(client, created);
  const read = await client.get(kind, metadata.name, metadata.namespace);
  expect(withoutVersion(read)).toEqual(withoutVersion(created));
  await client.update(read);
  expect(await textOf(client, created)).toBe(before);
  return null;
}

test('every kind has a seed', () => {
  expect(Object.keys(KINDS).filter((kind) => !SEEDS.some((seed) => seed.kind === kind))).toEqual([]);
});

test('what is valid is the same after it has been read and written', async () => {
  let survived = 0;
  for (const seed of SEEDS) if ((await survives(seed)) === null) survived++;
  expect(survived).toBeGreaterThan(SEEDS.length * 0.8); // some need others that are not there, some are built in
});

type Path = readonly (string | number)[];

/** Every place in a value. */
function places(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [
    path,
    ...Object.entries(value).flatMap(([key, field]) =>
      places(field, [...path, Array.isArray(value) ? Number(key) : key]),
    ),
  ];
}

function replaced(value: unknown, [step, ...rest]: Path, by: unknown): unknown {
  if (step === undefined) return by;
  if (Array.isArray(value)) return value.map((member, index) => (index === step ? replaced(member, rest, by) : member));
  return { ...(value as object), [step]: replaced((value as Record<string, unknown>)[step], rest, by) };
}

const anything = fc.oneof(
  fc.constantFrom(
    null,
    '',
    0,
    -1,
    1.5,
    true,
    [],
    {},
    'x',
    'X y',
    '10.0.0.1/8',
    'fd00::/64',
    '70000',
    'a ==',
    2 ** 31,
    '1h',
    { bogus: 1 },
  ),
  fc.string({ maxLength: 5 }),
  fc.integer(),
  fc.jsonValue({ maxDepth: 2 }),
);

const mutation = fc.constantFrom(...SEEDS).chain((seed) =>
  fc.record({
    seed: fc.constant(seed),
    path: fc.constantFrom(
      ...places(seed).filter(([top]) => top !== undefined && top !== 'kind' && top !== 'apiVersion'),
    ),
    by: anything,
  }),
);

test('what is changed anywhere stays valid, or the error names a field', async () => {
  await fc.assert(
    fc.asyncProperty(mutation, async ({ seed, path, by }) => {
      const error = await survives(replaced(seed, path, by) as Resource);
      if (!(error instanceof InvalidResource)) return;
      expect(error.problems.length).toBeGreaterThan(0);
      for (const problem of error.problems) {
        expect(problem.path.length, problem.text).toBeGreaterThan(0);
        expect(problem.text).toContain(String(problem.path.findLast((step) => typeof step === 'string')));
      }
    }),
    { numRuns: 1500, seed: 11 },
  );
});
