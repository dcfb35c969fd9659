import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Resource } from '../../api/index.ts';
import type { Update } from '../../model/index.ts';
import { Client } from '../client.ts';
import { Syncer } from '../syncer.ts';
import { FilesStore } from './store.ts';

let directory: string;
let problems: string[];
let store: FilesStore;
let client: Client;

const openStore = () =>
  new FilesStore(directory, (_message, { problem, error }) => problems.push(String(problem ?? error)));
const write = (file: string, text: string) => writeFileSync(join(directory, file), text);
const text = (file: string) => readFileSync(join(directory, file), 'utf8');

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'manifests-'));
  problems = [];
  store = openStore();
  client = new Client(store);
});
afterEach(async () => {
  await client.close();
  rmSync(directory, { recursive: true });
});

const manifest = (kind: string, name: string, spec: string) =>
  `apiVersion: projectcalico.org/v3\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
const policy = (name: string, more = '') =>
  manifest('GlobalNetworkPolicy', name, `{selector: "role == 'web'", ingress: [{action: Allow}]${more}}`);
const SET = manifest('GlobalNetworkSet', 's', '{nets: [10.0.0.0/8]}');
const set = (name: string, nets: string[]): Resource => ({
  apiVersion: 'projectcalico.org/v3',
  kind: 'GlobalNetworkSet',
  metadata: { name },
  spec: { nets },
});

describe('reading', () => {
  test('files, documents and lists; with defaults, as any datastore has them', async () => {
    write('a.yaml', `${SET}---\n${policy('p')}`);
    write('b.yml', `apiVersion: v1\nkind: List\nitems:\n- ${manifest('Tier', 't', '{}').replaceAll('\n', '\n  ')}`);
    write('c.json', JSON.stringify(set('j', [])));
    write('notes.txt', 'nothing of ours');
    expect((await client.get('gnp', 'p')).spec).toMatchObject({ types: ['Ingress'] });
    expect((await client.list('GlobalNetworkSet')).items.map(({ metadata }) => metadata.name)).toEqual(['j', 's']);
    expect((await client.get('Tier', 't')).spec).toEqual({ order: 1_000_000, defaultAction: 'Deny' });
    expect(problems).toEqual([]);
  });

  test('of what two files hold the first counts, and the other is told', async () => {
    write('a.yaml', SET);
    write('b.yaml', manifest('GlobalNetworkSet', 's', '{nets: [11.0.0.0/8]}'));
    expect((await client.get('GlobalNetworkSet', 's')).spec).toEqual({ nets: ['10.0.0.0/8'] });
    expect(problems).toEqual([expect.stringContaining('b.yaml')]);
    rmSync(join(directory, 'a.yaml'));
    expect((await client.get('GlobalNetworkSet', 's')).spec).toEqual({ nets: ['11.0.0.0/8'] });
  });

  test('a pipe is not waited for', async () => {
    write('a.yaml', SET);
    execFileSync('mkfifo', [join(directory, 'b.yaml')]);
    await expect(client.list('GlobalNetworkSet')).rejects.toMatchObject({ code: 'E_FILE' });
    expect(problems).toEqual([expect.stringContaining('b.yaml: cannot be read: it is no file')]);
  });

  test('a directory that is not there is told', async () => {
    const nowhere = new Client(new FilesStore(join(directory, 'none'), () => {}));
    await expect(nowhere.list('Node')).rejects.toMatchObject({ code: 'E_FILE' });
  });
});

describe('writing', () => {
  test('a new resource gets a file of its own, which goes with it', async () => {
    await client.create(set('s', ['10.0.0.0/8']));
    expect(readdirSync(directory)).toEqual(['globalnetworksets.s.yaml']);
    await new Client(openStore()).update(set('s', ['11.0.0.0/8']));
    expect((await client.get('GlobalNetworkSet', 's')).spec).toEqual({ nets: ['11.0.0.0/8'] });
    await client.delete('GlobalNetworkSet', 's');
    expect(readdirSync(directory)).toEqual([]);
  });

  test('one in a file changes there; what else is in the file stays as it was written', async () => {
    write('all.yaml', `# ours\n${SET}---\n# the other one\n${policy('p')}`);
    await client.update(set('s', ['11.0.0.0/8']));
    expect(text('all.yaml')).toContain(`# the other one\n${policy('p')}`);
    expect(text('all.yaml')).toContain('- 11.0.0.0/8');
    await client.delete('GlobalNetworkSet', 's');
    expect(text('all.yaml')).toBe(`# the other one\n${policy('p')}`);
  });

  test('what is written reads the same', async () => {
    const spec = {
      selector: "a == 'on'",
      ingress: [{ action: 'Allow', protocol: 'TCP', destination: { ports: ['20:30', 'e1'] } }],
    };
    const created = await client.create({ ...set('p', []), kind: 'GlobalNetworkPolicy', spec });
    const read = await new Client(openStore()).get('GlobalNetworkPolicy', 'p');
    expect(read).toEqual({
      ...created,
      metadata: { ...created.metadata, resourceVersion: read.metadata.resourceVersion },
    });
    expect(problems).toEqual([]);
  });

  test('a stale resource version is refused, also one of another process', async () => {
    await client.create(set('s', []));
    const read = await new Client(openStore()).get('GlobalNetworkSet', 's');
    expect(read.metadata.resourceVersion).toBe((await client.get('GlobalNetworkSet', 's')).metadata.resourceVersion);
    await client.update(set('s', ['10.0.0.0/8']));
    await expect(client.update({ ...read, spec: {} })).rejects.toMatchObject({ code: 'E_CONFLICT' });
  });

  test('what programs report is not written into files', async () => {
    await store.put('/calico/felix/v1/host/h/status', '{}');
    expect(readdirSync(directory)).toEqual([]);
    expect((await store.get('/calico/felix/v1/host/h/status'))?.value).toBe('{}');
  });
});

describe('following', () => {
  let updates: Update[];
  let syncer: Syncer;
  let inSync: boolean;

  const follow = () => {
    updates = [];
    inSync = false;
    syncer = new Syncer(store, {
      onStatus: (status) => {
        inSync = status === 'in-sync';
      },
      onUpdates: (batch) => updates.push(...batch),
    });
    syncer.start();
  };
  const last = (name: string) => updates.findLast(({ id }) => id.name === name) as Update & { value: never };
  afterEach(() => syncer.stop());

  test('changes are told; a policy that is wrong says so, and denies', async () => {
    write('p.yaml', policy('p'));
    follow();
    await expect.poll(() => inSync).toBe(true);
    expect(last('p')).toMatchObject({ value: { ingress: [{ action: 'allow' }] } });
    write('p.yaml', policy('p', ', bogus: 1'));
    await expect.poll(() => last('p').invalid?.reason).toContain('spec.bogus');
    expect(last('p')).toMatchObject({ value: { selector: "role == 'web'", ingress: [{ action: 'deny' }] } });
    write('p.yaml', policy('p'));
    await expect.poll(() => last('p').invalid).toBeUndefined();
    rmSync(join(directory, 'p.yaml'));
    await expect.poll(() => last('p').value).toBeNull();
  });

  test('a file that is not YAML any more keeps what it held', async () => {
    write('p.yaml', policy('p'));
    follow();
    await expect.poll(() => inSync).toBe(true);
    write('p.yaml', `${policy('p')}  - : {`);
    await expect.poll(() => problems.join()).toMatch(/p\.yaml:\d+: .*what it held before stays in force/);
    expect(updates.filter(({ id }) => id.name === 'p')).toHaveLength(1);
  });

  test('at start: what a broken file is about is closed', async () => {
    write('p.yaml', `${policy('p')}  - : {`);
    follow();
    await expect.poll(() => inSync).toBe(true);
    expect(last('p')).toMatchObject({ invalid: {}, value: { ingress: [{ action: 'deny' }] } });
  });

  test('at start: a misspelled selector selects nothing, for it must not close everything', async () => {
    write('p.yaml', policy('p').replace('selector', 'selctor'));
    follow();
    await expect.poll(() => inSync).toBe(true);
    expect(last('p')).toMatchObject({
      value: null,
      invalid: { reason: expect.stringContaining('did you mean selector') },
    });
  });

  test('at start: what cannot be told even by kind and name holds the start, until it can', async () => {
    write('a.yaml', SET);
    write('x.yaml', 'kind: [');
    follow();
    await expect.poll(() => problems.join()).toContain('x.yaml');
    expect(inSync).toBe(false);
    write('x.yaml', policy('p'));
    await expect.poll(() => inSync, { timeout: 5000 }).toBe(true);
  });

  test('a file that cannot be read holds the start, too, and is told once', async () => {
    mkdirSync(join(directory, 'folder'));
    symlinkSync('folder', join(directory, 'x.yaml'));
    follow();
    await expect.poll(() => problems.join()).toContain('x.yaml: cannot be read');
    for (let i = 0; i < 3; i++) await expect(client.list('Node')).rejects.toMatchObject({ code: 'E_FILE' });
    expect(problems.filter((problem) => problem.includes('x.yaml: cannot'))).toHaveLength(1);
    expect(inSync).toBe(false);
  });

  test("others' manifests are no concern of ours", async () => {
    write('a.yaml', `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n---\n${SET}`);
    follow();
    await expect.poll(() => inSync).toBe(true);
    expect(last('s')).toMatchObject({ value: { nets: ['10.0.0.0/8'] } });
  });
});
