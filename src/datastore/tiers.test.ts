/** Tiers, and the forms in which policies are stored. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Resource } from '../api/index.ts';
import { Client } from './client.ts';
import { resourceKey } from './keys.ts';
import { MemoryStore } from './memory/store.ts';

let store: MemoryStore;
let client: Client;
beforeEach(() => {
  store = new MemoryStore();
  client = new Client(store);
});

const resource = (kind: string, name: string, spec: object, metadata: object = {}): Resource => ({
  apiVersion: 'projectcalico.org/v3',
  kind,
  metadata: { name, ...metadata },
  spec: { ...spec },
});
const tier = (name: string, order = 10) => resource('Tier', name, { order });
const policy = (name: string, spec: object = {}) =>
  resource('GlobalNetworkPolicy', name, { selector: 'all()', ...spec });
const key = (name: string) => resourceKey('globalnetworkpolicies', name);
const keys = async () => (await store.list(resourceKey('globalnetworkpolicies', ''))).items.map((item) => item.key);
const stored = async (name: string) => JSON.parse((await store.get(key(name)))?.value ?? 'null') as Resource | null;

describe('tiers', () => {
  test('the first resource of newer versions brings the tiers that they expect', async () => {
    await client.create(tier('security'));
    const tiers = (await client.list('Tier')).items.map(({ metadata, spec }) => [metadata.name, spec?.defaultAction]);
    expect(tiers).toEqual([
      ['default', 'Deny'],
      ['kube-admin', 'Pass'],
      ['kube-baseline', 'Pass'],
      ['security', 'Deny'],
    ]);
    expect(await client.find('ClusterInformation', 'default')).not.toBeNull();
  });

  test('built-in tiers are neither created nor deleted, nor changed in what makes them', async () => {
    await client.create(tier('security'));
    await expect(client.create(tier('default', 1_000_000))).rejects.toMatchObject({ code: 'E_EXISTS' });
    await expect(client.delete('Tier', 'default')).rejects.toMatchObject({ code: 'E_INVALID' });
    await expect(client.update(tier('default', 5))).rejects.toMatchObject({ code: 'E_INVALID' });
  });

  test('a policy names a tier that exists; a tier with a policy in it stays', async () => {
    const blocked = policy('security.block', { tier: 'security' });
    await expect(client.create(blocked)).rejects.toThrowError(/spec\.tier.*no Tier security/);
    await client.create(tier('security'));
    await client.create(blocked);
    await expect(client.update(policy('security.block', { tier: 'other' }))).rejects.toThrowError(/spec\.tier/);
    await expect(client.delete('Tier', 'security')).rejects.toThrowError(/GlobalNetworkPolicy security.block is in it/);
    await client.delete('GlobalNetworkPolicy', 'security.block');
    await client.delete('Tier', 'security');
  });
});

describe('forms of policies', () => {
  /** As v3.34 stores it. */
  const newest = (name: string, tier = 'default') => ({
    ...policy(name, { tier, types: ['Ingress'] }),
    metadata: {
      name,
      uid: 'u',
      labels: { 'projectcalico.org/tier': tier },
      annotations: { 'projectcalico.org/metadata': JSON.stringify({ name }) },
    },
  });

  test('people do not see where the name is kept', async () => {
    await store.create(key('p'), JSON.stringify(newest('p')));
    const { metadata } = await client.get('gnp', 'p');
    expect(metadata).toMatchObject({ name: 'p', labels: { 'projectcalico.org/tier': 'default' } });
    expect(metadata.annotations).toBeUndefined();
  });

  test.each(['p', 'default.p'])('stored as %s: found by either name, never a second one', async (name) => {
    await store.create(key(name), JSON.stringify(newest(name)));
    for (const called of ['p', 'default.p']) {
      expect(await client.find('gnp', called)).not.toBeNull();
      await expect(client.create(policy(called))).rejects.toMatchObject({ code: 'E_EXISTS' });
      await client.update(policy(called, { order: 5 }));
      expect(await keys()).toEqual([key(name)]);
      expect((await stored(name))?.spec).toMatchObject({ tier: 'default', order: 5 });
    }
    await client.delete('gnp', 'p');
    expect(await keys()).toEqual([]);
  });

  test('one in the form of v3.15 keeps it', async () => {
    await client.create(policy('p'));
    await client.update(policy('p', { order: 5 }));
    expect(await stored('default.p')).toMatchObject({ metadata: { name: 'default.p' }, spec: { order: 5 } });
    expect((await stored('default.p'))?.spec?.tier).toBeUndefined();
  });

  test('new ones are written in the form that the client is told', async () => {
    await new Client(store, { policies: 'newest' }).create(policy('p', { ingress: [{ action: 'Allow' }] }));
    expect(await stored('p')).toMatchObject({
      metadata: newest('p').metadata.annotations && { annotations: newest('p').metadata.annotations },
      spec: { tier: 'default', ingress: [{ action: 'Allow' }] },
    });
    expect((await stored('p'))?.spec?.ingress).toEqual([{ action: 'Allow' }]);
  });
});

describe('what a newer version stored', () => {
  const pool = {
    ...resource('IPPool', 'p', { cidr: '10.0.0.0/16', blockSize: 26, future: { deep: [9007199254740993n] } }),
    metadata: { name: 'p', uid: 'u' },
    extra: 'kept',
  };
  const text = JSON.stringify(pool, (_key, value) => (typeof value === 'bigint' ? 0 : value)).replace(
    '[0]',
    '[9007199254740993]',
  );

  test('fields that nobody here knows stay when another is changed', async () => {
    await store.create(resourceKey('ippools', 'p'), text);
    const read = await client.get('IPPool', 'p');
    await client.update({ ...read, spec: { ...read.spec, natOutgoing: true } });
    const value = (await store.get(resourceKey('ippools', 'p')))?.value as string;
    expect(value).toContain('"natOutgoing":true');
    expect(value).toContain('"future":{"deep":[9007199254740993]}');
    expect(value).toContain('"extra":"kept"');
  });

  test('people cannot add or change such fields', async () => {
    await store.create(resourceKey('ippools', 'p'), text);
    const read = await client.get('IPPool', 'p');
    await expect(client.update({ ...read, spec: { ...read.spec, future: 1 } })).rejects.toThrowError(/spec\.future/);
    await expect(client.update({ ...read, spec: { ...read.spec, other: 1 } })).rejects.toThrowError(/spec\.other/);
  });
});
