/** Many resources in few requests; what others do meanwhile changes nothing. */
import { expect, test } from 'vitest';
import { type Resource, validate } from '../../api/index.ts';
import { Client, MemoryStore } from '../../datastore/index.ts';
import { writeBatch } from './batch.ts';

const sets = (count: number): Resource[] =>
  Array.from({ length: count }, (_, i) =>
    validate({ apiVersion: 'projectcalico.org/v3', kind: 'GlobalNetworkSet', metadata: { name: `s${i}` } }),
  );

/** Counts requests, and lets another in before the first write. */
class Busy extends MemoryStore {
  requests: string[] = [];
  before: (() => Promise<unknown>) | undefined;

  override async read(...args: Parameters<MemoryStore['read']>) {
    this.requests.push('read');
    return super.read(...args);
  }

  override async transact(...args: Parameters<MemoryStore['transact']>) {
    this.requests.push('transact');
    await this.before?.();
    return super.transact(...args);
  }
}

test('two requests for all of them', async () => {
  const store = new Busy();
  const results = await writeBatch(new Client(store), sets(60), (client, set) => client.create(set));
  expect(results.every(({ status }) => status === 'fulfilled')).toBe(true);
  expect(store.requests).toEqual(['read', 'transact']);
  expect((await store.list('/')).items).toHaveLength(60);
});

test('one that fails does not stop the others, and keeps its place', async () => {
  const store = new Busy();
  await new Client(store).create(sets(2)[1] as Resource);
  const results = await writeBatch(new Client(store), sets(3), (client, set) => client.create(set));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect((await store.list('/')).items).toHaveLength(3);
});

test('somebody else creates one of them meanwhile', async () => {
  const store = new Busy();
  store.before = async () => {
    store.before = undefined;
    await new Client(store).create(sets(3)[2] as Resource);
  };
  const results = await writeBatch(new Client(store), sets(3), (client, set) => client.create(set));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  expect(results[2]).toMatchObject({ reason: { code: 'E_EXISTS' } });
  expect((await store.list('/')).items).toHaveLength(3);
});
