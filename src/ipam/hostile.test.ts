/** Stored things that nobody should have written: no address is given twice because of them, and they stop nothing else. */
import { beforeEach, expect, test } from 'vitest';
import { MemoryStore } from '../datastore/memory/store.ts';
import { type Ip, ip } from '../net/index.ts';
import { Ipam } from './index.ts';

const RESOURCES = '/calico/resources/v3/projectcalico.org/';
const IPAM = '/calico/ipam/v2/';
const BLOCK = `${IPAM}assignment/ipv4/block/10.0.0.0-30`;

let store: MemoryStore;
let ipam: Ipam;

beforeEach(async () => {
  store = new MemoryStore();
  ipam = new Ipam(store);
  await put(`${RESOURCES}ippools/p`, { metadata: { name: 'p' }, spec: { cidr: '10.0.0.0/24', blockSize: 30 } });
});

async function put(key: string, value: unknown): Promise<void> {
  await store.put(key, JSON.stringify(value));
}

/** Of host n1, which has the affinity. */
async function putBlock(fields: object): Promise<void> {
  const free = { allocations: [null, null, null, null], unallocated: [0, 1, 2, 3], attributes: [] };
  await put(BLOCK, { cidr: '10.0.0.0/30', affinity: 'host:n1', ...free, deleted: false, ...fields });
  await put(`${IPAM}host/n1/ipv4/block/10.0.0.0-30`, { state: 'confirmed', deleted: false });
}

async function get(count: number, handle = 'h'): Promise<Ip[]> {
  const { assignments } = await ipam.autoAssign({ host: 'n1', family: 4, count, handle });
  return assignments.map(({ address }) => address);
}

test.each<[string, object, string]>([
  ['given and free', { allocations: [0, null, null, null], attributes: [{ handle_id: 'x' }] }, '10.0.0.1,10.0.0.2'],
  ['free twice', { unallocated: [1, 1, 2] }, '10.0.0.1,10.0.0.2'],
  ['free outside the block', { unallocated: [9, -3, 1e12, 1, 2] }, '10.0.0.1,10.0.0.2'],
])('a block with an address that is %s', async (_, fields, given) => {
  await putBlock(fields);
  expect((await get(2)).join()).toBe(given);
});

test.each<[string, object]>([
  ['of which the key names another', { cidr: '10.0.0.4/30' }],
  ['with too few places', { allocations: [null] }],
])('of a block %s nothing is given', async (_, fields) => {
  await putBlock(fields);
  const given = await get(2);
  expect(given).toHaveLength(2);
  expect(given.filter((address) => /^10\.0\.0\.[0-7]$/.test(address))).toEqual([]);
  await expect(ipam.assign(ip('10.0.0.1'), { host: 'n1' })).rejects.toMatchObject({ code: 'E_DATASTORE' });
});

test('an address whose owner the block does not know goes to no other', async () => {
  await putBlock({ allocations: [0, null, null, null], unallocated: [1, 2, 3], attributes: null });
  await get(1);
  expect(await ipam.addressesOf('h')).toEqual(['10.0.0.1']);
  await ipam.releaseByHandle('h');
  await expect(ipam.assign(ip('10.0.0.0'), { host: 'n1' })).rejects.toMatchObject({ code: 'E_EXISTS' });
});

test('keys that name no block are in nobody’s way', async () => {
  await put(`${IPAM}host/n1/ipv4/block/junk`, {});
  await put(`${IPAM}assignment/ipv4/block/junk`, {});
  await put(`${IPAM}assignment/ipv4/block/10.0.0.0-30`, {});
  expect(await get(9)).toHaveLength(9);
  expect((await ipam.utilization())[0]?.blocks).toHaveLength(3);
});

test.each([
  ['10.9.0.0/28', 26],
  ['10.0.0.0/8', 8],
  ['10.9.0.0/28', 40],
])('nothing is given of a pool %s with blocks of /%i', async (cidr, blockSize) => {
  await put(`${RESOURCES}ippools/a`, { metadata: { name: 'a' }, spec: { cidr, blockSize } });
  expect((await get(2)).every((address) => /^10\.0\.0\./.test(address))).toBe(true);
});

test('a huge pool that is reserved, all or most of it, is not walked over', async () => {
  await put(`${RESOURCES}ippools/p`, { metadata: { name: 'p' }, spec: { cidr: 'fd00::/48', blockSize: 122 } });
  const reserve = (...reservedCIDRs: string[]) =>
    put(`${RESOURCES}ipreservations/r`, { metadata: { name: 'r' }, spec: { reservedCIDRs } });
  await reserve('fd00::/48');
  const wish = { host: 'n1', family: 6, count: 1 } as const;
  expect((await ipam.autoAssign(wish)).shortage).toMatchObject({ code: 'E_EXHAUSTED' });
  const left = 'fd00:0:0:8000::';
  await reserve(
    'fd00::/49',
    ...Array.from({ length: 15 }, (_, i) => `fd00:0:0:${(0x8000 + 2 ** i).toString(16)}::/${64 - i}`),
  );
  const [given] = (await ipam.autoAssign(wish)).assignments;
  expect(given?.address.startsWith(left)).toBe(true);
});
