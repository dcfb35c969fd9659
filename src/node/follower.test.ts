import { afterEach, expect, test } from 'vitest';
import { MemoryStore } from '../datastore/index.ts';
import { Follower } from './follower.ts';

let follower: Follower | undefined;
afterEach(() => follower?.stop());

/** How often the work was done, and what went wrong. */
function follow(store: MemoryStore, work: (time: number) => Promise<void> = async () => {}) {
  const seen = { times: 0, errors: [] as unknown[] };
  follower = new Follower({
    store,
    prefixes: ['/pools/', '/nodes/n1'],
    concerns: (key) => key.startsWith('/pools/') || key === '/nodes/n1',
    work: () => work(++seen.times),
    onError: (error) => seen.errors.push(error),
  });
  return { seen, done: follower.run() };
}

const times = (seen: { times: number }) => expect.poll(() => seen.times, { timeout: 5000 });

test('works at first, and when something has changed; changes that come together are one', async () => {
  const store = new MemoryStore();
  const { seen } = follow(store);
  await times(seen).toBe(1);
  for (const name of ['a', 'b', 'c']) await store.put(`/pools/${name}`, '{}');
  await times(seen).toBe(2);
  await store.put('/nodes/n10', '{}');
  await store.put('/elsewhere', '{}');
  await store.put('/nodes/n1', '{}');
  await times(seen).toBe(3);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(seen.times).toBe(3);
});

test('a change during the work is not missed', async () => {
  const store = new MemoryStore();
  const { seen } = follow(store, async (time) => {
    if (time === 1) await store.put('/pools/a', '{}');
  });
  await times(seen).toBe(2);
});

test('work that fails is done again', async () => {
  const { seen } = follow(new MemoryStore(), async (time) => {
    if (time === 1) throw new Error('not now');
  });
  await times(seen).toBe(2);
  expect(seen.errors).toEqual([new Error('not now')]);
});

test('it ends when it is stopped', async () => {
  const { seen, done } = follow(new MemoryStore());
  await times(seen).toBe(1);
  follower?.stop();
  await done;
});
