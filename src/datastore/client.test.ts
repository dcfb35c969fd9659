import { beforeEach, describe, expect, test } from 'vitest';
import type { Resource } from '../api/index.ts';
import { Client } from './client.ts';
import { resourceKey } from './keys.ts';
import { MemoryStore } from './memory/store.ts';

let store: MemoryStore;
let client: Client;
beforeEach(() => {
  store = new MemoryStore();
  client = openClient(store);
});

function openClient(store: MemoryStore): Client {
  let uuids = 0;
  return new Client(store, {
    now: () => Date.parse('2026-01-02T03:04:05.678Z'),
    newUuid: () => `00000000-0000-4000-8000-${String(++uuids).padStart(12, '0')}`,
  });
}

const set = (name: string, nets: string[] = []): Resource => ({
  apiVersion: 'projectcalico.org/v3',
  kind: 'GlobalNetworkSet',
  metadata: { name },
  spec: { nets },
});
const policy = (name: string, selector: string): Resource => ({
  apiVersion: 'projectcalico.org/v3',
  kind: 'NetworkPolicy',
  metadata: { name, namespace: 'prod' },
  spec: { selector },
});

test('create: uid, creation time in whole seconds, resource version on return only', async () => {
  const created = await client.create(set('a'));
  expect(created.metadata).toEqual({
    name: 'a',
    uid: '00000000-0000-4000-8000-000000000001',
    creationTimestamp: '2026-01-02T03:04:05Z',
    resourceVersion: '2',
  });
  const stored = await store.get(resourceKey('globalnetworksets', 'a'));
  expect(stored?.value).not.toContain('resourceVersion');
  expect(await client.get('gns', 'a')).toEqual(created);
});

test('create: not what exists, not with a resource version', async () => {
  await client.create(set('a'));
  await expect(client.create(set('a'))).rejects.toMatchObject({ code: 'E_EXISTS', subject: 'GlobalNetworkSet a' });
  const versioned = { ...set('b'), metadata: { name: 'b', resourceVersion: '5' } };
  await expect(client.create(versioned)).rejects.toMatchObject({ code: 'E_INVALID' });
});

test('update: keeps uid and creation time, heeds the resource version', async () => {
  const { metadata } = await client.create(set('a'));
  const foreign = { ...set('a', ['10.0.0.0/8']), metadata: { name: 'a', uid: 'another' } };
  const updated = await client.update(foreign);
  expect(updated.metadata).toMatchObject({ uid: metadata.uid, creationTimestamp: metadata.creationTimestamp });
  for (const resourceVersion of [metadata.resourceVersion as string, 'abc']) {
    const stale = { ...set('a'), metadata: { name: 'a', resourceVersion } };
    await expect(client.update(stale)).rejects.toMatchObject({ code: 'E_CONFLICT', subject: 'GlobalNetworkSet a' });
  }
  expect((await client.update({ ...updated, spec: {} })).spec).toEqual({});
  await expect(client.update(set('b'))).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
});

test('update without a resource version wins a race', async () => {
  await client.create(set('a'));
  const [one, other] = [client.update(set('a', ['10.0.0.0/8'])), client.update(set('a', ['11.0.0.0/8']))];
  await Promise.all([one, other]);
  expect((await store.list('/')).revision).toBe('4');
});

test('delete: what exists, what has the resource version', async () => {
  await expect(client.delete('GlobalNetworkSet', 'a')).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
  const created = await client.create(set('a'));
  await expect(client.delete('GlobalNetworkSet', 'a', undefined, '1')).rejects.toMatchObject({ code: 'E_CONFLICT' });
  expect(await client.delete('GlobalNetworkSet', 'a')).toEqual(created);
  expect(await client.find('GlobalNetworkSet', 'a')).toBeNull();
});

test('a kind that is none', async () => {
  await expect(client.get('IPPol', 'x')).rejects.toMatchObject({ code: 'E_UNKNOWN_KIND', subject: 'IPPol' });
});

test('list: by kind, namespace, name; what is no resource is left out', async () => {
  for (const namespace of ['prod', 'test']) {
    const resource = policy('p', 'all()');
    await client.create({ ...resource, metadata: { name: 'p', namespace } });
  }
  await client.create(policy('q', 'all()'));
  await store.put(resourceKey('networkpolicies', 'default.r', 'prod'), '{broken');
  const names = async (filter?: { namespace?: string; name?: string }) =>
    (await client.list('networkpolicies', filter)).items.map(
      ({ metadata }) => `${metadata.namespace}/${metadata.name}`,
    );
  expect(await names()).toEqual(['prod/p', 'prod/q', 'test/p']);
  expect(await names({ namespace: 'prod' })).toEqual(['prod/p', 'prod/q']);
  expect(await names({ name: 'p' })).toEqual(['prod/p', 'test/p']);
  await expect(client.get('NetworkPolicy', 'r', 'prod')).rejects.toMatchObject({ code: 'E_DATASTORE' });
});

describe('names of policies', () => {
  const plain = resourceKey('networkpolicies', 'p', 'prod');
  const prefixed = resourceKey('networkpolicies', 'default.p', 'prod');

  test('p is stored as default.p and read as p', async () => {
    await client.create(policy('p', "a == 'b'"));
    expect(JSON.parse((await store.get(prefixed))?.value ?? '').metadata.name).toBe('default.p');
    expect((await client.get('NetworkPolicy', 'p', 'prod')).metadata.name).toBe('p');
  });

  test('p that a newer version stored as p is the same policy, and stays where it is', async () => {
    const stored = { ...policy('p', "a == 'b'"), metadata: { name: 'p', namespace: 'prod', uid: 'u' } };
    await store.put(plain, JSON.stringify(stored));
    await expect(client.create(policy('p', 'all()'))).rejects.toMatchObject({ code: 'E_EXISTS' });
    await client.update(policy('p', "a == 'c'"));
    expect((await store.list('/')).items.map((item) => item.key)).toEqual([plain]);
    const { metadata, spec } = JSON.parse((await store.get(plain))?.value ?? '');
    expect([metadata.name, metadata.uid, spec.selector]).toEqual(['p', 'u', "a == 'c'"]);
    await client.delete('NetworkPolicy', 'p', 'prod');
    expect((await store.list('/')).items).toEqual([]);
  });

  test('policies of Kubernetes keep their name', async () => {
    await client.create(policy('knp.default.x', 'all()'));
    expect(await store.get(resourceKey('networkpolicies', 'knp.default.x', 'prod'))).not.toBeNull();
  });
});

describe('side effects', () => {
  const pool = (name: string, cidr: string, more: object = {}): Resource => ({
    ...set(name),
    kind: 'IPPool',
    spec: { cidr, ...more },
  });
  const node: Resource = { ...set('n1'), kind: 'Node', spec: {} };

  test('the first node initialises the cluster, the second leaves it alone', async () => {
    await client.create(node);
    const first = await client.get('ClusterInformation', 'default');
    expect(first.spec).toEqual({ clusterGUID: expect.stringMatching(/^[0-9a-f]{32}$/), datastoreReady: true });
    await client.create({ ...node, metadata: { name: 'n2' } });
    expect(await client.get('ClusterInformation', 'default')).toEqual(first);
  });

  test('an encapsulation that was turned off on purpose stays off', async () => {
    await client.create({ ...set('default'), kind: 'FelixConfiguration', spec: { ipipEnabled: false } });
    await client.create(pool('p', '10.0.0.0/16', { ipipMode: 'Always' }));
    expect((await client.get('FelixConfiguration', 'default')).spec?.ipipEnabled).toBe(false);
  });

  test('pools do not overlap, and do not change their range', async () => {
    await client.create(pool('p', '10.0.0.0/16'));
    await expect(client.create(pool('q', '10.0.4.0/24'))).rejects.toMatchObject({
      code: 'E_INVALID',
      subject: 'IPPool q',
    });
    await expect(client.update(pool('p', '10.1.0.0/16'))).rejects.toMatchObject({ code: 'E_INVALID' });
    await client.update(pool('p', '10.0.0.0/16', { natOutgoing: true }));
  });

  test("a node takes its workloads' endpoints along, and no other's", async () => {
    await client.create(node);
    for (const host of ['n1', 'n2']) {
      await client.create({
        ...set(''),
        kind: 'WorkloadEndpoint',
        metadata: { name: '', namespace: 'prod' },
        spec: { orchestrator: 'cni', node: host, containerID: 'c1', endpoint: 'eth0', interfaceName: 'cali1' },
      });
    }
    await client.delete('Node', 'n1');
    const left = (await client.list('WorkloadEndpoint')).items;
    expect(left.map(({ spec }) => spec?.node)).toEqual(['n2']);
  });
});

test('a stored text that says another kind than its key is of the kind of its key, and hides nothing', async () => {
  const key = (name: string) => resourceKey('globalnetworksets', name);
  await store.create(key('a'), '{"kind":"Pod","apiVersion":"v9","metadata":{"name":"a"}}');
  await client.create(set('b'));
  const { items } = await client.list('GlobalNetworkSet');
  expect(items.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
    'GlobalNetworkSet a',
    'GlobalNetworkSet b',
  ]);
  expect((await client.get('GlobalNetworkSet', 'a')).kind).toBe('GlobalNetworkSet');
});

test('an integer beyond 2^53 where it cannot be is named', async () => {
  const input = { ...policy('p', 'all()'), spec: { selector: 'all()', order: 2n ** 53n + 1n } };
  await expect(client.create(input)).rejects.toMatchObject({
    code: 'E_INVALID',
    message: expect.stringContaining('spec.order: found 9007199254740993'),
  });
});
