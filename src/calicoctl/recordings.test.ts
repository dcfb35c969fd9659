/** Upstream's recorded commands, on a datastore in memory. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Client, connect, MemoryStore } from '../datastore/index.ts';
import type { Io } from './io.ts';
import { run } from './program.ts';
import { type Done, differences, filled, type Recording, type Step, valueDifferences } from './testing/recording.ts';

const FOLDER = new URL('../../test/vectors/calicoctl/', import.meta.url);
const VERSION = 'v3.15.0';
const NEWER = 'v3.34-dev';
const ENDPOINT = 'http://127.0.0.1:2379';
const KNOWN = JSON.parse(readFileSync(new URL('differences.json', import.meta.url), 'utf8')) as {
  step: string;
  why: string;
}[];
const scratch = mkdtempSync(join(tmpdir(), 'calicoctl-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const seen = new Set<string>();
describe.each(recordings().map((recording) => [recording.id, recording] as const))('%s', (_id, recording) => {
  const store = new MemoryStore();
  const directory = mkdtempSync(join(scratch, 'r-'));
  const state = new Map<string, unknown>(recording.etcdBefore.map(({ key, value }) => [key, value]));

  test.each(recording.steps.map((step, i) => [`#${i + 1} ${step.cmd.slice(1).join(' ')}`, step] as const))(
    '%s',
    async (name, step) => {
      await restore(store, state);
      for (const [key, value] of Object.entries(step.etcdSet ?? {})) state.set(key, value);
      for (const key of step.etcdDeleted ?? []) state.delete(key);
      if ((step.by ?? VERSION) !== VERSION) return;
      const problems = [
        ...differences(step, await perform(step, store, directory)),
        ...(await stateDifferences(store, state)),
      ];
      const label = `${recording.id} ${name.slice(0, name.indexOf(' '))}`;
      seen.add(label);
      const known = KNOWN.find(({ step }) => step === label);
      if (known) expect(problems, `${label} is listed as different, but agrees`).not.toEqual([]);
      else expect(problems).toEqual([]);
    },
  );
});

test('every known difference is a recorded step', () => {
  expect(KNOWN.map(({ step }) => step).filter((step) => !seen.has(step))).toEqual([]);
});

function recordings(): Recording[] {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));
  return files.flatMap((file) => {
    const content = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'));
    if (Array.isArray(content)) return content.map(({ id, steps }) => ({ id, steps, etcdBefore: [] }));
    // What v3.15 has no part in is as the newer version has it.
    const { etcdBefore = [], steps } = content[VERSION] ?? content[NEWER];
    return [{ id: content.id, etcdBefore, steps }];
  });
}

async function perform(step: Step, store: MemoryStore, directory: string): Promise<Done> {
  for (const [name, text] of Object.entries(step.files ?? {})) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  const output = { stdout: '', stderr: '' };
  const usual = { DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: ENDPOINT };
  const without = step.env !== undefined && Object.keys(step.env).length === 0;
  const io: Io = {
    env: without ? {} : { ...usual, ...step.env },
    directory,
    stdin: async () => step.stdin ?? '',
    out: (text) => {
      output.stdout += text;
    },
    err: (text) => {
      output.stderr += text;
    },
    connect: (config) =>
      config.etcdEndpoints === ENDPOINT && config.datastoreType === 'etcdv3'
        ? Promise.resolve(new Client(store))
        : connect(config),
  };
  return { exit: await run(step.cmd.slice(1), io), ...output };
}

/** Brings the datastore to the recorded state, so that one difference does not cause others. */
async function restore(store: MemoryStore, state: ReadonlyMap<string, unknown>): Promise<void> {
  for (const { key } of (await store.list('/')).items) if (!state.has(key)) await store.delete(key);
  for (const [key, value] of state) {
    const current = await store.get(key);
    if (!current || valueDifferences(value, JSON.parse(current.value)).length > 0)
      await store.put(key, JSON.stringify(filled(value)));
  }
}

async function stateDifferences(store: MemoryStore, state: ReadonlyMap<string, unknown>): Promise<string[]> {
  const { items } = await store.list('/');
  const actual = Object.fromEntries(items.map(({ key, value }) => [key, JSON.parse(value)]));
  return valueDifferences(Object.fromEntries(state), actual, 'etcd');
}
