/** What upstream's start of a node was recorded to write, for several environments: ours writes the same, text for text. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Resource } from '../../src/api/index.ts';
import { Client, MemoryStore } from '../../src/datastore/index.ts';
import { ip } from '../../src/net/index.ts';
import type { Host } from '../../src/node/autodetect.ts';
import { keepNodeName, nodeName } from '../../src/node/name.ts';
import { start } from '../../src/node/start.ts';
import type { Environment } from '../../src/node/variables.ts';

interface Case {
  readonly id: string;
  readonly env: Environment;
  readonly setup?: string;
  readonly 'v3.15.0': { exit: number; written: { key: string; value: unknown }[]; files?: string };
  readonly 'v3.34-dev': { written: { key: string; value: unknown }[] };
}

const CASES = JSON.parse(readFileSync('test/vectors/datastore/node-startup.json', 'utf8')) as Case[];
const directory = mkdtempSync(join(tmpdir(), 'node-startup-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** As the recordings' host was. */
const HOST: Host = {
  interfaces: () => [
    {
      name: 'eth0',
      kind: '',
      up: true,
      defaultRoutes: [4],
      addresses: [{ family: 4, address: ip('192.0.2.2'), prefixLength: 24 }],
    },
  ],
  sourceTowards: () => Promise.reject(new Error('nobody asks')),
  internalAddresses: () => Promise.reject(new Error('nobody asks')),
};

const AROUND = { ipv6: true, randomBytes: (count: number) => new Uint8Array(count).fill(0xab) };

test.each(CASES.map((recorded) => [recorded.id, recorded] as const))('%s', async (id, recorded) => {
  const { exit, written, files } = recorded['v3.15.0'];
  const store = new MemoryStore();
  const client = new Client(store);
  for (const document of parseAllDocuments(recorded.setup ?? '')) await client.create(document.toJS() as Resource);
  const before = await texts(store);
  const file = join(directory, id);
  const env: Environment = { NODENAME: 'n1', IP: '10.0.0.1/24', CALICO_NODENAME_FILE: file, ...recorded.env };

  const name = nodeName(env, 'host');
  const starting = start({ env, name, client, host: HOST, log: pino({ level: 'silent' }) }, AROUND).then(() =>
    keepNodeName(env, name),
  );
  expect(
    await starting.then(
      () => 0,
      () => 1,
    ),
  ).toBe(exit);

  const now = Object.entries(await texts(store)).filter(([key, text]) => before[key] !== text);
  const expected = written.map(({ key, value }) => [key, masked(JSON.stringify(value))]);
  expect(Object.fromEntries(now)).toEqual(Object.fromEntries(expected));
  if (files) expect(`== /var/lib/calico/nodename\n${readFileSync(file, 'utf8')}`).toBe(files);
  else expect(existsSync(file)).toBe(false);
});

test('a start beside what the newer version has written changes what it must and keeps the rest', async () => {
  const store = new MemoryStore();
  const newer = CASES.find(({ id }) => id === 'default')?.['v3.34-dev'].written ?? [];
  for (const { key, value } of newer) await store.put(key, filled(JSON.stringify(value)));
  const before = Object.fromEntries((await store.list('/')).items.map(({ key, value }) => [key, value]));
  const NODE = '/calico/resources/v3/projectcalico.org/nodes/n1';
  const env = { IP: '10.0.0.8/24' };
  await start({ env, name: 'n1', client: new Client(store), host: HOST, log: pino({ level: 'silent' }) }, AROUND);
  const after = Object.fromEntries((await store.list('/')).items.map(({ key, value }) => [key, value]));
  expect(before[NODE]).toContain('"interfaces"');
  expect(after).toEqual({ ...before, [NODE]: before[NODE]?.replace('10.0.0.1/24', '10.0.0.8/24') });
});

function filled(text: string): string {
  return text
    .replace(/"<uid-\d+>"/, '"00000000-0000-4000-8000-000000000001"')
    .replace('"<time>"', '"2026-01-02T03:04:05Z"')
    .replace('"<guid>"', '"0123456789abcdef0123456789abcdef"')
    .replace('<random fdxx:xxxx:xxxx::/48>', 'fdab:abab:abab::/48');
}

async function texts(store: MemoryStore): Promise<Record<string, string>> {
  const { items } = await store.list('/');
  return Object.fromEntries(items.map(({ key, value }) => [key, masked(value)]));
}

function masked(text: string): string {
  return text
    .replace(/"uid":"[^"]+"/, '"uid":"*"')
    .replace(/"creationTimestamp":"[^"]+"/, '"creationTimestamp":"*"')
    .replace(/"clusterGUID":"[^"]+"/, '"clusterGUID":"*"')
    .replace(/"<random fdxx:xxxx:xxxx::\/48>"|"fdab:abab:abab::\/48"/, '"*"');
}
