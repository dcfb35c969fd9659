/** What every Store must do: run by the tests of each implementation. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compareRevisions, type Store, type StoreEvent, type WatchLoss } from './store.ts';

/** `open` gives a store; the cases keep to keys under a prefix of their own. */
export function storeCases(
  open: () => Promise<Store>,
  compact: (store: Store, revision: string) => Promise<void>,
): void {
  let store: Store;
  let prefix: string;
  let runs = 0;
  beforeEach(async () => {
    store = await open();
    prefix = `/cases/${process.pid}-${++runs}/`;
  });
  afterEach(() => store.close());
  const key = (name: string) => prefix + name;

  test('get: null, then what was put, with the revision of the write', async () => {
    expect(await store.get(key('a'))).toBeNull();
    const revision = await store.put(key('a'), 'grün');
    expect(await store.get(key('a'))).toEqual({ key: key('a'), value: 'grün', revision });
  });

  test('create: refuses what exists', async () => {
    const revision = await store.create(key('a'), '1');
    await expect(store.create(key('a'), '2')).rejects.toMatchObject({ code: 'E_EXISTS', subject: key('a') });
    expect(await store.get(key('a'))).toEqual({ key: key('a'), value: '1', revision });
  });

  test('update: only what exists, only the revision given', async () => {
    await expect(store.update(key('a'), '1', '1')).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    const first = await store.create(key('a'), '1');
    const second = await store.update(key('a'), '2', first);
    expect(compareRevisions(second, first)).toBe(1);
    await expect(store.update(key('a'), '3', first)).rejects.toMatchObject({ code: 'E_CONFLICT' });
    expect((await store.get(key('a')))?.value).toBe('2');
  });

  test('delete: gives what was there; with a revision only that', async () => {
    expect(await store.delete(key('a'))).toBeNull();
    expect(await store.delete(key('a'), '1')).toBeNull();
    const revision = await store.put(key('a'), '1');
    await expect(store.delete(key('a'), '1')).rejects.toMatchObject({ code: 'E_CONFLICT' });
    expect(await store.delete(key('a'), revision)).toEqual({ key: key('a'), value: '1', revision });
    await store.put(key('a'), '2');
    expect(await store.delete(key('a'))).toMatchObject({ value: '2' });
    expect(await store.get(key('a'))).toBeNull();
  });

  test('list: what is under the prefix, sorted, at a revision', async () => {
    expect((await store.list(prefix)).items).toEqual([]);
    for (const name of ['b', 'a/2', 'a', 'a/10']) await store.put(key(name), name);
    const { items, revision } = await store.list(key('a'));
    expect(items.map((item) => item.value)).toEqual(['a', 'a/10', 'a/2']);
    expect(compareRevisions(revision, (await store.get(key('a/10')))?.revision ?? '')).toBe(0);
  });

  test('read: keys and prefixes together, each with its answer', async () => {
    for (const name of ['b', 'a/2', 'a/10']) await store.put(key(name), name);
    const questions = [{ key: key('b') }, { prefix: key('a/') }, { key: key('none') }, { prefix: key('none') }];
    const answers = await store.read(questions);
    expect(answers.map((items) => items.map(({ value }) => value))).toEqual([['b'], ['a/10', 'a/2'], [], []]);
    expect(answers[0]?.[0]).toEqual(await store.get(key('b')));
  });

  test('pages: give together what list gives, at one revision', async () => {
    for (let i = 0; i < 25; i++) await store.put(key(`k${i}`), String(i));
    const found = [];
    const revisions = new Set<string>();
    for await (const page of store.pages(prefix)) {
      if (revisions.size === 0) await store.put(key('later'), 'not in the list');
      found.push(...page.items);
      revisions.add(page.revision);
    }
    expect(found.map((item) => item.value).sort()).toEqual(Array.from({ length: 25 }, (_, i) => String(i)).sort());
    expect(revisions.size).toBe(1);
  });

  test('transact: all or nothing', async () => {
    const first = await store.transact(
      [{ key: key('a'), revision: null }],
      [
        { key: key('a'), value: '1' },
        { key: key('b'), value: '1' },
      ],
    );
    expect((await store.get(key('b')))?.revision).toBe(first);
    const refused = [
      { key: key('a'), revision: first },
      { key: key('b'), revision: null },
    ];
    expect(await store.transact(refused, [{ key: key('a'), value: null }])).toBeNull();
    expect((await store.get(key('a')))?.value).toBe('1');
    const held = await store.transact(
      [{ key: key('a'), revision: first }],
      [
        { key: key('a'), value: null },
        { key: key('b'), value: '2' },
      ],
    );
    expect(held).not.toBeNull();
    expect(await store.get(key('a'))).toBeNull();
  });

  test('lease: what is written with it goes when it is not renewed', async () => {
    const before = await store.put(key('a'), '0');
    const watch = follow(store, prefix, before);
    const lease = await store.grantLease(2);
    expect(await store.renewLease(lease)).toBe(true);
    await store.transact(
      [],
      [
        { key: key('a'), value: '1', lease },
        { key: key('b'), value: '1', lease },
        { key: key('c'), value: '1' },
      ],
    );
    // Written again without it: it stays.
    await store.put(key('b'), '2');
    await watch.until(() => watch.events.some(({ value }) => value === null));
    expect((await store.list(prefix)).items.map(({ value }) => value)).toEqual(['2', '1']);
    expect(await store.renewLease(lease)).toBe(false);
    await expect(store.transact([], [{ key: key('a'), value: '3', lease }])).rejects.toMatchObject({
      code: 'E_NOT_FOUND',
    });
    watch.close();
  });

  test('watch: every later write under the prefix, in order', async () => {
    const before = await store.put(key('a'), '0');
    const watch = follow(store, prefix, before);
    await store.put(key('a'), '1');
    await store.put(`${prefix.slice(0, -1)}-other`, 'x');
    await store.put(key('b'), '1');
    const last = await store.put(key('a'), '2');
    await store.delete(key('b'));
    await watch.until(() => watch.events.length >= 4);
    expect(watch.events.map(({ key, value }) => [key.slice(prefix.length), value])).toEqual([
      ['a', '1'],
      ['b', '1'],
      ['a', '2'],
      ['b', null],
    ]);
    expect(watch.events[2]?.revision).toBe(last);
    watch.close();
  });

  test('watch: starts from the past too', async () => {
    const before = await store.put(key('a'), '0');
    await store.put(key('a'), '1');
    await store.delete(key('a'));
    const watch = follow(store, prefix, before);
    await watch.until(() => watch.events.length >= 2);
    expect(watch.events.map((event) => event.value)).toEqual(['1', null]);
    watch.close();
  });

  test('watch: is lost when its past is compacted', async () => {
    const before = await store.put(key('a'), '0');
    await store.put(key('a'), '1');
    await compact(store, await store.put(key('a'), '2'));
    const watch = follow(store, prefix, before);
    await watch.until(() => watch.lost !== undefined);
    expect(watch.lost).toBe('compacted');
  });

  test('watch: is silent once closed', async () => {
    const before = await store.put(key('a'), '0');
    const closed = follow(store, prefix, before);
    closed.close();
    const open = follow(store, prefix, before);
    await store.put(key('a'), '1');
    await open.until(() => open.events.length > 0);
    expect(closed.events).toEqual([]);
    open.close();
  });
}

function follow(store: Store, prefix: string, after: string) {
  const events: StoreEvent[] = [];
  let wake = () => {};
  const state = {
    events,
    lost: undefined as WatchLoss | undefined,
    async until(condition: () => boolean): Promise<void> {
      while (!condition()) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    close: () => watch.close(),
  };
  const watch = store.watch(prefix, after, {
    onEvents(batch) {
      events.push(...batch);
      wake();
    },
    onLost(reason) {
      state.lost = reason;
      wake();
    },
  });
  return state;
}
