/**
 * Every recorded `create`: what is written into the datastore. What v3.15 accepts is written as v3.15 writes it; a kind or
 * field that it does not know as v3.34 does; of a value that only v3.34 accepts, either answer is right.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { fromStored, KIND_NAMES, type Resource, toJson, toStored, validate } from '../api/index.ts';
import { Client } from './client.ts';
import { MemoryStore } from './memory/store.ts';

const FOLDER = new URL('../../test/vectors/datastore/', import.meta.url);
const VERSIONS = ['v3.15.0', 'v3.34-dev'] as const;
type Version = (typeof VERSIONS)[number];

interface Entry {
  readonly key: string;
  readonly value: Resource;
}

interface Outcome {
  readonly exit: number;
  readonly stderr: string;
  readonly written: readonly Entry[];
}

interface Case {
  readonly id: string;
  readonly input: string;
  readonly setup?: string;
  readonly 'v3.15.0': Outcome;
  readonly 'v3.34-dev': Outcome | 'same';
}

const read = <T>(file: string) => JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as T;
const initialised = read<Record<Version, Entry[]>>('_initialised.json');
const DIFFERENCES = read<{ suite: string; id: string }[]>('../differences.json').filter(
  ({ suite }) => suite === 'datastore',
);
const cases = readdirSync(FOLDER)
  .filter((file) => {
    const info = KIND_NAMES[file.replace('.json', '')];
    return info && !info.keeper; // calicoctl alone refuses to write what others keep
  })
  .flatMap((file) => read<Case[]>(file));

function outcome(c: Case, version: Version): Outcome {
  const found = c[version];
  return found === 'same' ? c['v3.15.0'] : found;
}

function right(c: Case): readonly Version[] {
  const [older, newer] = VERSIONS.map((version) => outcome(c, version)) as [Outcome, Outcome];
  if (older.exit === 0) return ['v3.15.0'];
  if (/Unknown resource type|not recognized/.test(older.stderr)) return ['v3.34-dev'];
  return newer.exit === 0 ? VERSIONS : ['v3.15.0'];
}

/** What the case writes into the datastore of that version; null: it is refused. */
async function created(c: Case, version: Version): Promise<Entry[] | null> {
  const store = new MemoryStore();
  for (const { key, value } of initialised[version]) await store.put(key, JSON.stringify(value));
  const client = new Client(store);
  for (const resource of resources(c.setup ?? '')) await client.create(resource).catch(() => {});
  const before = new Map((await store.list('/')).items.map((item) => [item.key, item.value]));
  try {
    for (const resource of resources(c.input)) await client.create(resource);
  } catch {
    return null;
  }
  return (await store.list('/')).items
    .filter((item) => before.get(item.key) !== item.value)
    .map(({ key, value }) => ({ key, value: JSON.parse(value) }));
}

function resources(yaml: string): Resource[] {
  return parseAllDocuments(yaml, { version: '1.1' })
    .map((document) => document.toJS() as Resource)
    .filter(Boolean);
}

/** As text, so that the order of fields counts; generated values replaced. */
function texts(entries: readonly Entry[] | null): string[] {
  return (entries ?? []).map(({ key, value }) => `${key} ${mask(JSON.stringify(value))}`).sort();
}

function mask(json: string): string {
  return json.replaceAll(/"(uid|creationTimestamp|clusterGUID)":"[^"]*"/g, '"$1":"…"');
}

test.each(cases.map((c) => [c.id, c] as const))('%s', async (_id, c) => {
  const recorded = right(c).map((version) => (outcome(c, version).exit === 0 ? outcome(c, version).written : null));
  const ours = await Promise.all(right(c).map((version) => created(c, version)));
  const agrees = ours.findIndex(
    (entries, i) =>
      (entries === null) === (recorded[i] === null) && String(texts(entries)) === String(texts(recorded[i] ?? null)),
  );
  const differs = DIFFERENCES.some(({ id }) => id === c.id);
  if (differs) expect(agrees, 'listed as a difference, but agrees').toBe(-1);
  else if (agrees < 0) expect(texts(ours[0] ?? null)).toEqual(texts(recorded[0] ?? null));
});

describe('what any version stored', () => {
  const values = cases.flatMap((c) => VERSIONS.flatMap((version) => outcome(c, version).written));
  const distinct = new Map(values.map(({ value }) => [JSON.stringify(value), value]));

  test.each([...distinct.values()].map((value) => [value.kind, value.metadata.name, value] as const))(
    '%s %s reads, and writes unchanged',
    (_kind, name, value) => {
      const stored = fromStored(toJson(value));
      expect(JSON.parse(toStored(stored, name))).toEqual(value);
    },
  );

  test.each([...distinct.values()].map((value) => [value.kind, value.metadata.name, value] as const))(
    '%s %s is valid to write again',
    (_kind, _name, value) => {
      const { uid: _, creationTimestamp: __, ...metadata } = fromStored(toJson(value)).metadata;
      const resource = { ...value, metadata };
      expect(validate(validate(resource))).toEqual(validate(resource));
    },
  );
});
