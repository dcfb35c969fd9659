import { describe, expect, test } from 'vitest';
import { Client, MemoryStore } from '../../datastore/index.ts';
import { exportDatastore } from './export.ts';
import { importDatastore } from './import.ts';
import { setReady } from './ready.ts';

const IPAM = '/calico/ipam/v2/';
const RESOURCES = '/calico/resources/v3/projectcalico.org/';

async function filled(): Promise<Client> {
  const client = new Client(new MemoryStore());
  const make = (kind: string, name: string, spec: Record<string, unknown>, namespace?: string) =>
    client.create({
      apiVersion: 'projectcalico.org/v3',
      kind,
      metadata: { name, ...(namespace && { namespace }) },
      spec,
    });
  await make('Node', 'etcd-a', { orchRefs: [{ nodeName: 'kube-a', orchestrator: 'k8s' }] });
  await make('IPPool', 'p', { cidr: '10.0.0.0/24', blockSize: 29 });
  await make('NetworkPolicy', 'allow', { selector: 'all()', types: ['Ingress'] }, 'prod');
  await make('FelixConfiguration', 'node.etcd-a', { logSeverityScreen: 'Debug' });
  await make('FelixConfiguration', 'node.other', { logSeverityScreen: 'Debug' });
  const { store } = client;
  const block =
    '{"cidr":"10.0.0.0/29","affinity":"host:etcd-a","allocations":[0,null,null,null,null,null,null,null],"unallocated":[1,2,3,4,5,6,7],"attributes":[{"handle_id":"ipip-tunnel-addr-etcd-a","secondary":{"node":"etcd-a","type":"ipipTunnelAddress"}}],"sequenceNumber":1795455308808739869,"deleted":false}';
  await store.put(`${IPAM}assignment/ipv4/block/10.0.0.0-29`, block);
  await store.put(`${IPAM}handle/ipip-tunnel-addr-etcd-a`, '{"block":{"10.0.0.0/29":1},"deleted":false}');
  await store.put(`${IPAM}host/etcd-a/ipv4/block/10.0.0.0-29`, '{"state":"confirmed","deleted":false}');
  await store.put(`${IPAM}config`, '{"auto_allocate_blocks":true}');
  return client;
}

async function exportOf(client: Client): Promise<string> {
  let text = '';
  await exportDatastore(client, (part) => {
    text += part;
  });
  return text;
}

async function importInto(client: Client, text: string): Promise<string> {
  let said = '';
  await importDatastore(client, text, 'x.yaml', (part) => {
    said += part;
  });
  return said;
}

const stored = async ({ store }: Client, key: string): Promise<string | undefined> => (await store.get(key))?.value;

/** A cluster of Kubernetes, which has its nodes. */
async function kubernetes(...nodes: string[]): Promise<Client> {
  const client = new Client(new MemoryStore());
  for (const name of nodes)
    await client.create({ apiVersion: 'projectcalico.org/v3', kind: 'Node', metadata: { name } });
  return client;
}

describe('export', () => {
  test('needs a locked datastore', async () => {
    await expect(exportOf(await filled())).rejects.toMatchObject({ code: 'E_NOT_LOCKED' });
  });

  test('refuses nodes that Kubernetes does not know', async () => {
    const client = await filled();
    await client.create({ apiVersion: 'projectcalico.org/v3', kind: 'Node', metadata: { name: 'lonely' } });
    await setReady(client, false);
    await expect(exportOf(client)).rejects.toMatchObject({ code: 'E_INVALID', subject: 'Node lonely' });
  });

  test('has the policies of all namespaces, and nodes by their names in Kubernetes', async () => {
    const client = await filled();
    await setReady(client, false);
    const text = await exportOf(client);
    expect(text).toContain('namespace: prod');
    expect(text).toContain('name: node.kube-a');
    expect(text).toContain('name: node.other');
    expect(text).not.toContain('etcd-a');
  });
});

describe('import', () => {
  test('of an export: resources, the same cluster, and allocation under the new names without loss', async () => {
    const old = await filled();
    await setReady(old, false);
    const client = await kubernetes('kube-a');
    const said = await importInto(client, await exportOf(old));
    expect(said).toContain('Successfully applied 5 resource(s)\n');
    expect(said).toContain('Successfully applied 4 IPAM resource(s)\n');
    expect((await client.get('NetworkPolicy', 'allow', 'prod')).spec).toMatchObject({ types: ['Ingress'] });
    const guid = async (of: Client) => (await of.get('ClusterInformation', 'default')).spec;
    expect(await guid(client)).toEqual(await guid(old));
    const block = await stored(client, `${IPAM}assignment/ipv4/block/10.0.0.0-29`);
    expect(block).toContain('"affinity":"host:kube-a"');
    expect(block).toContain('"sequenceNumber":1795455308808739869');
    expect(block).toContain('"handle_id":"ipip-tunnel-addr-kube-a","secondary":{"node":"kube-a"');
    expect(await stored(client, `${IPAM}handle/ipip-tunnel-addr-kube-a`)).toBeDefined();
    expect(await stored(client, `${IPAM}host/kube-a/ipv4/block/10.0.0.0-29`)).toBeDefined();
  });

  test('of what a newer version wrote: policies of tiers, and tiers that are built in', async () => {
    const old = await filled();
    const { store } = old;
    await store.put(
      `${RESOURCES}tiers/default`,
      '{"kind":"Tier","apiVersion":"projectcalico.org/v3","metadata":{"name":"default"},"spec":{"order":1000000,"defaultAction":"Deny"}}',
    );
    await store.put(
      `${RESOURCES}globalnetworkpolicies/deny`,
      '{"kind":"GlobalNetworkPolicy","apiVersion":"projectcalico.org/v3","metadata":{"name":"deny","labels":{"projectcalico.org/tier":"default"}},"spec":{"tier":"default","types":["Ingress"]}}',
    );
    await setReady(old, false);
    const client = await kubernetes('kube-a');
    expect(await importInto(client, await exportOf(old))).toContain('Successfully applied 7 resource(s)\n');
    expect((await client.get('GlobalNetworkPolicy', 'deny')).spec).toMatchObject({ tier: 'default' });
  });

  test('leaves out nodes that Kubernetes does not have, and says so', async () => {
    const old = await filled();
    await setReady(old, false);
    expect(await importInto(await kubernetes(), await exportOf(old))).toContain('node kube-a is not in Kubernetes');
  });

  test('refuses a datastore that has pools or addresses already, before it changes anything', async () => {
    const old = await filled();
    await setReady(old, false);
    const text = await exportOf(old);
    await setReady(old, true);
    await expect(importInto(old, text)).rejects.toMatchObject({ code: 'E_EXISTS' });
    expect((await old.get('ClusterInformation', 'default')).spec?.datastoreReady).toBe(true);
  });

  test.each(['', 'a', '===\n{}\n===\nnonsense', '===\n===\n===\n'])('refuses what is no export: %j', async (text) => {
    await expect(importInto(await kubernetes(), text)).rejects.toMatchObject({ code: 'E_FILE' });
  });

  test('a resource that is not valid stops it before anything is written', async () => {
    const client = await kubernetes();
    const pool = 'apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: {name: p}\nspec: {cidr: nonsense}\n';
    await expect(importInto(client, `${pool}===\n===\n{}\n`)).rejects.toMatchObject({ code: 'E_INVALID' });
    expect(await client.find('ClusterInformation', 'default')).toBeNull();
  });
});

describe('lock', () => {
  test('makes the cluster where there is none, and writes nothing twice', async () => {
    const client = new Client(new MemoryStore());
    await setReady(client, false);
    const first = await client.get('ClusterInformation', 'default');
    expect(first.spec).toMatchObject({ clusterGUID: expect.stringMatching(/^[0-9a-f]{32}$/), datastoreReady: false });
    await setReady(client, false);
    expect(await client.get('ClusterInformation', 'default')).toEqual(first);
  });
});
