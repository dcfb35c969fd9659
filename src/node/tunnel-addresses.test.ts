import { pino } from 'pino';
import { beforeEach, describe, expect, test } from 'vitest';
import { Client, MemoryStore } from '../datastore/index.ts';
import { Ipam } from '../ipam/index.ts';
import { ip } from '../net/index.ts';
import { TunnelAddresses } from './tunnel-addresses.ts';
import { TUNNELS } from './tunnels.ts';

const API = { apiVersion: 'projectcalico.org/v3' } as const;
let client: Client;
let ipam: Ipam;
let tunnels: TunnelAddresses;

beforeEach(async () => {
  client = new Client(new MemoryStore());
  ipam = new Ipam(client.store);
  tunnels = new TunnelAddresses({ client, ipam, node: 'n1', log: pino({ level: 'silent' }) });
  await client.create({ ...API, kind: 'Node', metadata: { name: 'n1', labels: { rack: 'a' } }, spec: {} });
});

async function pool(name: string, spec: Record<string, unknown>): Promise<void> {
  await client.create({ ...API, kind: 'IPPool', metadata: { name }, spec });
}

async function change(name: string, spec: Record<string, unknown>): Promise<void> {
  const current = await client.get('IPPool', name);
  await client.update({ ...current, spec: { ...current.spec, ...spec } });
}

const spec = async () => (await client.get('Node', 'n1')).spec;
/** Handle → how many addresses it has. */
const handles = async () => {
  const { items } = await client.store.list('/calico/ipam/v2/handle/');
  return Object.fromEntries(
    items.map(({ key, value }) => [
      key.slice('/calico/ipam/v2/handle/'.length),
      Object.values(JSON.parse(value).block as Record<string, number>).reduce((sum, count) => sum + count, 0),
    ]),
  );
};

describe('a node has an address in each tunnel that a pool needs', () => {
  test('of both families, under the handles and attributes of upstream', async () => {
    await pool('a', { cidr: '10.1.0.0/16', ipipMode: 'CrossSubnet' });
    await pool('b', { cidr: '10.2.0.0/16', vxlanMode: 'Always' });
    await pool('c', { cidr: 'fd00:3::/64', vxlanMode: 'Always' });
    await tunnels.reconcile();
    const [ipip, vxlan, vxlan6] = [/^10\.1\./, /^10\.2\./, /^fd00:3:/].map((pattern) => expect.stringMatching(pattern));
    expect(await spec()).toEqual({
      bgp: { ipv4IPIPTunnelAddr: ipip },
      ipv4VXLANTunnelAddr: vxlan,
      ipv6VXLANTunnelAddr: vxlan6,
    });
    const all = { 'ipip-tunnel-addr-n1': 1, 'vxlan-tunnel-addr-n1': 1, 'vxlan-v6-tunnel-addr-n1': 1 };
    expect(await handles()).toEqual(all);
    const address = ip((await spec())?.ipv4VXLANTunnelAddr as string);
    expect(await ipam.ownerOf(address)).toMatchObject({
      handle: 'vxlan-tunnel-addr-n1',
      attributes: { node: 'n1', type: 'vxlanTunnelAddress' },
    });
  });

  test('and keeps it: a second look writes nothing', async () => {
    await pool('a', { cidr: '10.1.0.0/16', ipipMode: 'Always' });
    await tunnels.reconcile();
    const before = await client.store.list('/');
    await tunnels.reconcile();
    expect(await client.store.list('/')).toEqual(before);
  });

  test.each([
    ['is not encapsulated', {}],
    ['is disabled', { ipipMode: 'Always', disabled: true }],
    ['is not for tunnels', { ipipMode: 'Always', allowedUses: ['Workload'] }],
    ['selects other nodes', { ipipMode: 'Always', nodeSelector: "rack == 'b'" }],
  ])('but none of a pool that %s', async (_, fields) => {
    await pool('a', { cidr: '10.1.0.0/16', ...fields });
    await tunnels.reconcile();
    expect(await spec()).toEqual({});
    expect(await handles()).toEqual({});
  });

  test('of no pool while the datastore says that it is not ready', async () => {
    await pool('a', { cidr: '10.1.0.0/16', ipipMode: 'Always' });
    const cluster = await client.get('ClusterInformation', 'default');
    await client.update({ ...cluster, spec: { ...cluster.spec, datastoreReady: false } });
    await expect(tunnels.reconcile()).rejects.toMatchObject({ code: 'E_NOT_READY' });
    expect(await handles()).toEqual({});
  });
});

describe('when the pools change', () => {
  beforeEach(async () => {
    await pool('a', { cidr: '10.1.0.0/16', ipipMode: 'Always' });
    await tunnels.reconcile();
  });

  test('another encapsulation brings another address, and takes the first', async () => {
    await change('a', { ipipMode: 'Never', vxlanMode: 'CrossSubnet' });
    await tunnels.reconcile();
    expect(await spec()).toEqual({ ipv4VXLANTunnelAddr: expect.stringMatching(/^10\.1\./) });
    expect(await handles()).toEqual({ 'vxlan-tunnel-addr-n1': 1 });
  });

  test('a pool that is disabled is left for another one', async () => {
    await pool('b', { cidr: '10.2.0.0/16', ipipMode: 'Always' });
    await change('a', { disabled: true });
    await tunnels.reconcile();
    expect(await spec()).toEqual({ bgp: { ipv4IPIPTunnelAddr: expect.stringMatching(/^10\.2\./) } });
    expect(await handles()).toEqual({ 'ipip-tunnel-addr-n1': 1 });
  });

  test('without a pool the address goes, the rest of the Node stays', async () => {
    const node = await client.get('Node', 'n1');
    await client.update({ ...node, spec: { bgp: { ...(node.spec?.bgp as object), ipv4Address: '10.0.0.1/24' } } });
    await change('a', { ipipMode: 'Never' });
    await tunnels.reconcile();
    expect(await spec()).toEqual({ bgp: { ipv4Address: '10.0.0.1/24' } });
    expect(await handles()).toEqual({});
  });
});

describe('an address on the Node that is not as it should be', () => {
  const OLD = ip('10.1.0.7');
  beforeEach(async () => {
    await pool('a', { cidr: '10.1.0.0/16', vxlanMode: 'Always' });
    const node = await client.get('Node', 'n1');
    await client.update({ ...node, spec: { ipv4VXLANTunnelAddr: OLD } });
  });

  test('one that nobody allocated is replaced', async () => {
    await tunnels.reconcile();
    expect(await handles()).toEqual({ 'vxlan-tunnel-addr-n1': 1 });
    expect((await spec())?.ipv4VXLANTunnelAddr).toEqual(expect.stringMatching(/^10\.1\./));
  });

  test("a workload's stays with the workload", async () => {
    await ipam.assign(OLD, { host: 'n1', handle: 'workload' });
    await tunnels.reconcile();
    expect((await spec())?.ipv4VXLANTunnelAddr).not.toBe(OLD);
    expect(await handles()).toEqual({ workload: 1, 'vxlan-tunnel-addr-n1': 1 });
  });

  test("another node's stays with that node", async () => {
    await ipam.assign(OLD, {
      host: 'n2',
      handle: 'vxlan-tunnel-addr-n2',
      attributes: { node: 'n2', type: 'vxlanTunnelAddress' },
    });
    await tunnels.reconcile();
    expect((await spec())?.ipv4VXLANTunnelAddr).not.toBe(OLD);
    expect(await handles()).toEqual({ 'vxlan-tunnel-addr-n2': 1, 'vxlan-tunnel-addr-n1': 1 });
  });

  test('one of a time without handles is kept, and has one from now on', async () => {
    await ipam.assign(OLD, { host: 'n1' });
    await tunnels.reconcile();
    expect((await spec())?.ipv4VXLANTunnelAddr).toBe(OLD);
    expect(await ipam.ownerOf(OLD)).toMatchObject({ handle: 'vxlan-tunnel-addr-n1' });
  });

  test('what the handle has, and the Node does not name, is released', async () => {
    const attributes = { node: 'n1', type: 'vxlanTunnelAddress' };
    await ipam.autoAssign({ host: 'n1', handle: 'vxlan-tunnel-addr-n1', attributes, family: 4, count: 3 });
    await tunnels.reconcile();
    expect(await handles()).toEqual({ 'vxlan-tunnel-addr-n1': 1 });
  });
});

test('a tunnel whose pools are exhausted is in no other’s way', async () => {
  await pool('a', { cidr: '10.1.0.0/32', blockSize: 32, ipipMode: 'Always' });
  await pool('b', { cidr: '10.2.0.0/16', vxlanMode: 'Always' });
  await ipam.assign(ip('10.1.0.0'), { host: 'n2', handle: 'other' });
  await expect(tunnels.reconcile()).rejects.toThrow();
  expect(await spec()).toEqual({ ipv4VXLANTunnelAddr: expect.stringMatching(/^10\.2\./) });
});

test('no two tunnels share a handle, a field or a type', () => {
  for (const key of ['handlePrefix', 'field', 'type'] as const)
    expect(new Set(TUNNELS.map((tunnel) => tunnel[key])).size).toBe(TUNNELS.length);
});
