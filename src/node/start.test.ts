import { pino } from 'pino';
import { beforeEach, describe, expect, test } from 'vitest';
import { Client, MemoryStore } from '../datastore/index.ts';
import { configureNode, start } from './start.ts';
import { fakeHost } from './testing/host.ts';
import type { Environment } from './variables.ts';

const HOST = fakeHost([{ name: 'eth0', has: ['10.0.0.1/24', '192.168.3.1/24'] }]);
const AROUND = { ipv6: true, randomBytes: (count: number) => new Uint8Array(count) };
const log = pino({ level: 'silent' });
let client: Client;
beforeEach(() => {
  client = new Client(new MemoryStore());
});

const begin = (env: Environment, name = 'n1') => start({ env, name, client, host: HOST, log }, AROUND);
const specOf = async (kind: string, name: string) => (await client.get(kind, name)).spec;
const existing = (name: string, spec: Record<string, unknown>) =>
  client.create({ apiVersion: 'projectcalico.org/v3', kind: 'Node', metadata: { name }, spec });

describe('the Node', () => {
  test.each([
    ['64512', 64512],
    ['4294967295', 4294967295],
    ['1.10', 65546],
  ])('AS=%s', async (text, asNumber) => {
    await begin({ AS: text });
    expect((await specOf('Node', 'n1'))?.bgp).toEqual({ ipv4Address: '10.0.0.1/24', asNumber });
  });

  test.each(['x', '-1', '4294967296', '1.65536', '1.2.3'])('AS=%s is none', async (text) => {
    await expect(begin({ AS: text })).rejects.toMatchObject({ code: 'E_CONFIG', subject: 'AS' });
    expect((await client.list('Node')).items).toEqual([]);
  });

  test('what others have written stays', async () => {
    await existing('n1', {
      bgp: { asNumber: 65000, ipv4IPIPTunnelAddr: '10.1.0.1', routeReflectorClusterID: '1.0.0.1' },
      ipv4VXLANTunnelAddr: '10.2.0.1',
    });
    await begin({});
    expect(await specOf('Node', 'n1')).toEqual({
      bgp: {
        asNumber: 65000,
        ipv4Address: '10.0.0.1/24',
        ipv4IPIPTunnelAddr: '10.1.0.1',
        routeReflectorClusterID: '1.0.0.1',
      },
      ipv4VXLANTunnelAddr: '10.2.0.1',
    });
  });

  test('a second start writes nothing', async () => {
    await begin({ IP: 'autodetect', AS: '65001', CLUSTER_TYPE: 'bgp' });
    const before = await client.store.list('/');
    await begin({ IP: 'autodetect', AS: '65001', CLUSTER_TYPE: 'bgp' });
    expect(await client.store.list('/')).toEqual(before);
  });

  test('one that is deleted while the host runs stays so until the next start', async () => {
    const node = { env: { IP: 'autodetect' }, name: 'n1', client, host: HOST, log };
    await expect(configureNode({ ...node, again: true })).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    expect(await client.find('Node', 'n1')).toBeNull();
    await configureNode(node);
    await configureNode({ ...node, again: true });
  });

  test('somebody who is quicker is not overwritten', async () => {
    await existing('n1', { bgp: { ipv4Address: '10.0.0.1/24' } });
    const find = client.find.bind(client);
    let raced = false;
    client.find = async (...args) => {
      const found = await find(...args);
      if (found?.kind === 'Node' && !raced) {
        raced = true;
        await client.update({ ...found, metadata: { ...found.metadata, labels: { rack: 'a' } } });
      }
      return found;
    };
    await configureNode({ env: { AS: '65001' }, name: 'n1', client, host: HOST, log });
    expect(await client.get('Node', 'n1')).toMatchObject({
      metadata: { labels: { rack: 'a' } },
      spec: { bgp: { asNumber: 65001 } },
    });
  });
});

describe('an address that another node has', () => {
  beforeEach(() => existing('other', { bgp: { ipv4Address: '10.0.0.1/16', ipv6Address: 'fd00::1/64' } }));

  test('is not taken, and nothing is written', async () => {
    const before = await client.store.list('/');
    await expect(begin({})).rejects.toMatchObject({ code: 'E_CONFLICT', subject: '10.0.0.1/24' });
    await expect(begin({ IP: '10.0.0.5/24', IP6: 'fd00::1/64' })).rejects.toMatchObject({ subject: 'fd00::1/64' });
    expect(await client.store.list('/')).toEqual(before);
  });

  test('is taken from a node that had found it', async () => {
    await existing('n1', { bgp: { ipv4Address: '10.0.0.9/24', asNumber: 65001 } });
    await expect(begin({ IP: 'autodetect' })).rejects.toMatchObject({ code: 'E_CONFLICT' });
    expect((await specOf('Node', 'n1'))?.bgp).toEqual({ asNumber: 65001 });
  });

  test('is nobody’s business when it is said to be none', async () => {
    await begin({ DISABLE_NODE_IP_CHECK: 'true' });
    expect((await specOf('Node', 'n1'))?.bgp).toEqual({ ipv4Address: '10.0.0.1/24' });
  });

  test('is not looked for when the address stays', async () => {
    await existing('n1', { bgp: { ipv4Address: '10.0.0.1/24' } });
    await begin({});
  });
});

describe('default pools', () => {
  const pools = async () =>
    (await client.list('IPPool')).items.map(({ metadata, spec }) => [metadata.name, spec] as const);

  test('the first prefix that overlaps none of the host’s networks', async () => {
    await begin({ FELIX_IPV6SUPPORT: 'false' });
    expect(await pools()).toEqual([
      [
        'default-ipv4-ippool',
        {
          cidr: '172.16.0.0/16',
          blockSize: 26,
          ipipMode: 'Never',
          vxlanMode: 'Never',
          natOutgoing: true,
          nodeSelector: 'all()',
        },
      ],
    ]);
  });

  test('of both families, as the environment says', async () => {
    await begin({
      CALICO_IPV4POOL_CIDR: '10.9.0.0/16',
      CALICO_IPV4POOL_IPIP: 'off',
      CALICO_IPV4POOL_VXLAN: 'cross-subnet',
      CALICO_IPV4POOL_BLOCK_SIZE: '24',
      CALICO_IPV4POOL_NAT_OUTGOING: 'false',
      CALICO_IPV4POOL_NODE_SELECTOR: "rack == 'a'",
      CALICO_IPV4POOL_DISABLE_BGP_EXPORT: 'true',
      CALICO_IPV6POOL_CIDR: 'fd00:9::/48',
      CALICO_IPV6POOL_VXLAN: 'Always',
      CALICO_IPV6POOL_BLOCK_SIZE: '120',
      CALICO_IPV6POOL_NAT_OUTGOING: 'true',
      CALICO_IPV6POOL_NODE_SELECTOR: "rack == 'b'",
      CALICO_IPV6POOL_DISABLE_BGP_EXPORT: 'true',
    });
    expect(await pools()).toMatchObject([
      [
        'default-ipv4-ippool',
        {
          cidr: '10.9.0.0/16',
          blockSize: 24,
          ipipMode: 'Never',
          vxlanMode: 'CrossSubnet',
          nodeSelector: "rack == 'a'",
          disableBGPExport: true,
        },
      ],
      [
        'default-ipv6-ippool',
        {
          cidr: 'fd00:9::/48',
          blockSize: 120,
          ipipMode: 'Never',
          vxlanMode: 'Always',
          natOutgoing: true,
          nodeSelector: "rack == 'b'",
          disableBGPExport: true,
        },
      ],
    ]);
  });

  test.each([
    [{ CALICO_IPV4POOL_CIDR: 'fd00::/48' }, 'CALICO_IPV4POOL_CIDR'],
    [{ CALICO_IPV4POOL_CIDR: '10.9.0.0' }, 'CALICO_IPV4POOL_CIDR'],
    [{ CALICO_IPV6POOL_CIDR: '10.9.0.0/16' }, 'CALICO_IPV6POOL_CIDR'],
    [{ CALICO_IPV4POOL_IPIP: 'sometimes' }, 'CALICO_IPV4POOL_IPIP'],
    [{ CALICO_IPV4POOL_BLOCK_SIZE: '33' }, 'CALICO_IPV4POOL_BLOCK_SIZE'],
    [{ CALICO_IPV6POOL_BLOCK_SIZE: '64' }, 'CALICO_IPV6POOL_BLOCK_SIZE'],
    [{ CALICO_IPV4POOL_NAT_OUTGOING: 'perhaps' }, 'CALICO_IPV4POOL_NAT_OUTGOING'],
    [{ NO_DEFAULT_POOLS: 'true', CALICO_IPV6POOL_CIDR: 'fd00::/48' }, 'CALICO_IPV6POOL_CIDR'],
  ])('%j cannot be', async (env, subject) => {
    await expect(begin(env)).rejects.toMatchObject({ code: 'E_CONFIG', subject });
    expect(await pools()).toEqual([]);
  });

  test('none in a kernel without IPv6', async () => {
    await start({ env: {}, name: 'n1', client, host: HOST, log }, { ...AROUND, ipv6: false });
    expect((await pools()).map(([name]) => name)).toEqual(['default-ipv4-ippool']);
  });

  test('once, however many nodes start at once', async () => {
    const names = ['n1', 'n2', 'n3'];
    await Promise.all(names.map((name, i) => begin({ IP: `10.0.0.${i + 1}/24` }, name)));
    expect(await pools()).toHaveLength(2);
    expect((await client.list('Node')).items).toHaveLength(3);
  });
});

describe('ClusterInformation and FelixConfiguration', () => {
  const create = (kind: string, name: string, spec: Record<string, unknown>) =>
    client.create({ apiVersion: 'projectcalico.org/v3', kind, metadata: { name }, spec });

  test('types of the cluster are added to those that are there', async () => {
    await create('ClusterInformation', 'default', {
      clusterType: 'openstack,bgp',
      clusterGUID: 'g',
      datastoreReady: false,
    });
    await begin({ CLUSTER_TYPE: 'bgp,k8s' });
    expect(await specOf('ClusterInformation', 'default')).toEqual({
      clusterType: 'openstack,bgp,k8s',
      clusterGUID: 'g',
      datastoreReady: false,
    });
  });

  test('what somebody has set stays', async () => {
    await create('FelixConfiguration', 'default', { logSeverityScreen: 'Debug' });
    await create('FelixConfiguration', 'node.n1', { defaultEndpointToHostAction: 'Drop' });
    await begin({});
    expect(await specOf('FelixConfiguration', 'default')).toMatchObject({
      logSeverityScreen: 'Debug',
      reportingInterval: '0s',
    });
    expect(await specOf('FelixConfiguration', 'node.n1')).toMatchObject({ defaultEndpointToHostAction: 'Drop' });
  });

  test('one that is no valid one stays as it is, and the node starts', async () => {
    const KEY = '/calico/resources/v3/projectcalico.org/felixconfigurations/default';
    const text = JSON.stringify({
      kind: 'FelixConfiguration',
      apiVersion: 'projectcalico.org/v3',
      metadata: { name: 'default' },
      spec: { logSeverityScreen: 'Loud' },
    });
    await client.store.put(KEY, text);
    await begin({});
    expect((await client.store.get(KEY))?.value).toBe(text);
    expect(await specOf('FelixConfiguration', 'node.n1')).toMatchObject({ defaultEndpointToHostAction: 'Return' });
  });
});
