/** How often an assignment goes to the datastore: what it costs where the network is what takes time. */
import { beforeEach, expect, it } from 'vitest';
import { MemoryStore } from '../datastore/memory/store.ts';
import type { Compare, KeyValue, Page, Question, Write } from '../datastore/store.ts';
import { type Ip, ip } from '../net/index.ts';
import { Ipam } from './index.ts';

/** Requests that follow one another: those that are sent together count once each all the same. */
class CountingStore extends MemoryStore {
  requests: string[] = [];

  override get(key: string): Promise<KeyValue | null> {
    this.requests.push('get');
    return super.get(key);
  }

  override read(questions: readonly Question[]): Promise<KeyValue[][]> {
    this.requests.push('read');
    return super.read(questions);
  }

  override list(prefix: string): Promise<Page> {
    this.requests.push('list');
    return super.list(prefix);
  }

  override transact(compares: readonly Compare[], writes: readonly Write[]): Promise<string | null> {
    this.requests.push('transact');
    return super.transact(compares, writes);
  }
}

let store: CountingStore;
const of = { host: 'n1', family: 4, count: 1 } as const;

beforeEach(async () => {
  store = new CountingStore();
  const spec = { cidr: '10.0.0.0/24', blockSize: 29, nodeSelector: "zone == 'a'" };
  const root = '/calico/resources/v3/projectcalico.org/';
  await store.put(`${root}ippools/p`, JSON.stringify({ metadata: { name: 'p' }, spec }));
  await store.put(`${root}nodes/n1`, JSON.stringify({ metadata: { name: 'n1', labels: { zone: 'a' } }, spec: {} }));
});

async function counted(action: () => Promise<unknown>): Promise<string[]> {
  store.requests = [];
  await action();
  return store.requests;
}

it('from an affine block: everything is read at once, then written: two round trips, the fewest with a comparison', async () => {
  const ipam = new Ipam(store);
  await ipam.autoAssign({ ...of, handle: 'first' });
  expect(await counted(() => ipam.autoAssign({ ...of, handle: 'h' }))).toEqual(['read', 'transact']);
  expect(await counted(() => ipam.autoAssign({ ...of, handle: 'h', count: 3 }))).toEqual(['read', 'transact']);
});

it('by a process that has just started: one more, for it does not know which blocks are its host’s', async () => {
  await new Ipam(store).autoAssign({ ...of, handle: 'first' });
  const requests = await counted(() => new Ipam(store).autoAssign({ ...of, handle: 'h' }));
  expect(requests).toEqual(['read', 'read', 'transact']);
});

it('of a host’s first block: claim and assignment are one', async () => {
  expect(await counted(() => new Ipam(store).autoAssign({ ...of, handle: 'h' }))).toEqual(['read', 'transact']);
});

it('somebody was quicker: the same again', async () => {
  const ipam = new Ipam(store);
  await ipam.autoAssign({ ...of, handle: 'first' });
  store.requests = [];
  await Promise.all([ipam.autoAssign({ ...of, handle: 'a' }), ipam.autoAssign({ ...of, handle: 'b' })]);
  expect(store.requests.sort()).toEqual(['read', 'read', 'read', 'transact', 'transact', 'transact']);
});

it('release: the block, its handles, the write', async () => {
  const ipam = new Ipam(store);
  const { assignments } = await ipam.autoAssign({ ...of, handle: 'h' });
  const requests = await counted(() => ipam.release([assignments[0]?.address as Ip]));
  expect(requests).toEqual(['read', 'get', 'read', 'transact']);
  expect(await ipam.release([ip('10.0.0.1')])).toEqual(['10.0.0.1']);
});
