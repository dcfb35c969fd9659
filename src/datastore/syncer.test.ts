import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { CalicoError } from '../errors/index.ts';
import { idKey, type Update } from '../model/index.ts';
import { BUILT_IN } from './decode/built-in.ts';
import { decode } from './decode/index.ts';
import { RESOURCES, resourceKey } from './keys.ts';
import { compareRevisions, type Store } from './store.ts';
import { FoldingSink, ScriptedStore, turn } from './syncer.testing.ts';
import { Syncer } from './syncer.ts';

let syncer: Syncer | undefined;
afterEach(() => syncer?.stop());

function follow(store: Store, log: string[] = []) {
  const sink = new FoldingSink();
  syncer = new Syncer(store, sink, { random: () => 0, sleep: turn, log: (message) => log.push(message) });
  syncer.start();
  return sink;
}

async function until(condition: () => boolean | Promise<boolean>, turns = 3000): Promise<void> {
  for (let i = 0; i < turns; i++) {
    if (await condition()) return;
    await turn();
  }
  throw new Error(`not reached: ${condition}`);
}

const SET = resourceKey('globalnetworksets', 'a');
const setOf = (...nets: string[]) => JSON.stringify({ metadata: { name: 'a' }, spec: { nets } });
const CLUSTER = resourceKey('clusterinformations', 'default');
const cluster = (datastoreReady: boolean) => JSON.stringify({ spec: { clusterGUID: 'g', datastoreReady } });
const names = (updates: readonly Update[]) =>
  updates
    .map(({ id, value }) => `${value === null ? '-' : '+'}${id.name}`)
    .filter((name) => !name.includes('default-allow'));

describe('Syncer', () => {
  test('reports what exists, then that it is in sync, then what changes', async () => {
    const store = new ScriptedStore();
    await store.put(SET, setOf('10.0.0.0/8'));
    await store.put('/calico/resources/v3/projectcalico.org/widgets/x', '{}');
    await store.put('/calico/ipam/v2/assignment/ipv4/block/10.0.0.0-26', '{"cidr":"10.0.0.0/26"}');
    const sink = follow(store);
    expect(sink.statuses).toEqual(['wait']);
    await until(() => sink.statuses.length === 2);
    expect(sink.statuses).toEqual(['wait', 'in-sync']);
    expect(names(sink.updates)).toEqual(['+a', '+10.0.0.0-26']);
    await store.put(SET, setOf('11.0.0.0/8'));
    await store.delete(SET);
    await until(() => sink.updates.length === 5);
    expect(names(sink.updates.slice(3))).toEqual(['+a', '-a']);
  });

  test('what the sink stumbles over is named, and keeps nothing else from it', async () => {
    const store = new ScriptedStore();
    for (const name of ['a', 'b', 'c']) await store.put(resourceKey('nodes', name), '{}');
    const taken: string[] = [];
    const log: string[] = [];
    const sink = {
      onStatus: () => {},
      onUpdates(updates: readonly Update[]): void {
        for (const { id } of updates) {
          if (id.name === 'b') throw new Error('no');
          taken.push(id.name);
        }
      },
    };
    syncer = new Syncer(store, sink, { sleep: turn, log: (message, { subject }) => log.push(`${message} ${subject}`) });
    syncer.start();
    await until(() => taken.includes('c'));
    await store.put(resourceKey('nodes', 'd'), '{}');
    await until(() => taken.includes('d'));
    expect(log).toEqual(['an update could not be taken Node b']);
  });

  test.each(['disconnected', 'compacted'] as const)('%s: reports what differs, and only that', async (reason) => {
    const store = new ScriptedStore();
    for (const name of ['a', 'b', 'c']) await store.put(resourceKey('nodes', name), '{}');
    const sink = follow(store);
    await until(() => sink.statuses.length === 2);
    const before = sink.updates.length;
    store.lose(reason);
    await store.delete(resourceKey('nodes', 'a'));
    await store.put(resourceKey('nodes', 'b'), '{"metadata":{"labels":{"x":"y"}}}');
    await store.put(resourceKey('nodes', 'd'), '{}');
    store.compact();
    await until(() => sink.updates.length === before + 3);
    expect(names(sink.updates.slice(before)).sort()).toEqual(['+b', '+d', '-a']);
    expect(sink.statuses).toEqual(['wait', 'in-sync']);
  });

  test('a list that fails midway deletes nothing', async () => {
    const store = new ScriptedStore();
    for (let i = 0; i < 9; i++) await store.put(resourceKey('nodes', `n${i}`), '{}');
    const sink = follow(store);
    await until(() => sink.statuses.length === 2);
    store.pagesLeft = 2;
    const lists = store.lists;
    store.lose('disconnected');
    await until(() => store.watches.size === 2 && store.lists === lists + 3);
    expect(sink.deletions.size).toBe(0);
  });

  test('an etcd that does not answer changes nothing, however long', async () => {
    const store = new ScriptedStore();
    await store.put(SET, setOf());
    const log: string[] = [];
    const sink = follow(store, log);
    await until(() => sink.statuses.length === 2);
    const get = store.get;
    let asked = 0;
    store.get = () => {
      asked++;
      return Promise.reject(new CalicoError('E_DATASTORE', 'x', 'away'));
    };
    store.lose('disconnected');
    await until(() => asked > 10);
    expect(log).toEqual(['the watch is lost', 'the datastore cannot be read']);
    expect(sink.state.size).toBe(2);
    store.get = get;
    await store.put(SET, setOf('10.0.0.0/8'));
    await until(() => sink.updates.length === 3);
    expect(names(sink.updates)).toEqual(['+a', '+a']);
  });

  test('a datastore that is behind: what differs, and a warning', async () => {
    const restored = new ScriptedStore();
    const store = new ScriptedStore(1000);
    await store.put(SET, setOf('10.0.0.0/8'));
    await store.put(resourceKey('nodes', 'n'), '{}');
    const log: string[] = [];
    const sink = follow(store, log);
    await until(() => sink.statuses.length === 2);
    await restored.put(SET, setOf('11.0.0.0/8'));
    for (const method of ['get', 'pages', 'list', 'watch'] as const)
      Object.assign(store, { [method]: restored[method].bind(restored) });
    store.lose('disconnected');
    await until(() => sink.updates.length === 5);
    expect(names(sink.updates.slice(3))).toEqual(['+a', '-n']);
    expect(log.join()).toContain('behind');
  });

  test('the same revision with another value is a change', async () => {
    const [store, other] = [new ScriptedStore(), new ScriptedStore()];
    await store.put(SET, setOf('10.0.0.0/8'));
    await other.put(SET, setOf('11.0.0.0/8'));
    const sink = follow(store);
    await until(() => sink.statuses.length === 2);
    for (const method of ['get', 'pages', 'list', 'watch'] as const)
      Object.assign(store, { [method]: other[method].bind(other) });
    store.lose('disconnected');
    await until(() => sink.updates.length === 3);
    expect(names(sink.updates)).toEqual(['+a', '+a']);
  });

  test('while the datastore is not ready, everything stays; then what differs is reported', async () => {
    const store = new ScriptedStore();
    await store.put(CLUSTER, cluster(true));
    for (const name of ['a', 'b']) await store.put(resourceKey('nodes', name), '{}');
    const log: string[] = [];
    const sink = follow(store, log);
    await until(() => sink.statuses.length === 2);
    await store.put(CLUSTER, cluster(false));
    await store.delete(resourceKey('nodes', 'a'));
    await store.delete(resourceKey('nodes', 'b'));
    await until(() => log.length > 0);
    expect(sink.deletions.size).toBe(0);
    expect(sink.updates.at(-1)).toMatchObject({ id: { kind: 'ClusterInformation' }, value: { datastoreReady: false } });
    await store.put(resourceKey('nodes', 'a'), '{}');
    await store.put(CLUSTER, cluster(true));
    await until(() => sink.deletions.size > 0);
    expect([...sink.deletions.keys()]).toEqual(['Node(/b)']);
  });

  test('a datastore that loses its initialisation has been wiped: everything stays', async () => {
    const store = new ScriptedStore();
    await store.put(CLUSTER, cluster(true));
    await store.put(resourceKey('nodes', 'a'), '{}');
    const log: string[] = [];
    const sink = follow(store, log);
    await until(() => sink.statuses.length === 2);
    for (const { key } of (await store.list('/')).items) await store.delete(key);
    await until(() => log.length > 0);
    expect(names([...sink.state.values()])).toEqual(['+default', '+a']);
  });

  test('wiped between the question whether it is ready and the list: everything stays', async () => {
    const [store, wiped] = [new ScriptedStore(), new ScriptedStore()];
    await store.put(CLUSTER, cluster(true));
    await store.put(resourceKey('nodes', 'a'), '{}');
    await wiped.put(resourceKey('bgppeers', 'stranger'), '{}');
    const log: string[] = [];
    const sink = follow(store, log);
    await until(() => sink.statuses.length === 2);
    Object.assign(store, { pages: wiped.pages.bind(wiped) });
    store.lose('disconnected');
    const lists = () => syncer?.lists ?? 0;
    const before = lists();
    await until(() => lists() > before + 2);
    expect(log.filter((message) => message === 'the datastore cannot be read')).toHaveLength(1);
    expect(sink.deletions.size).toBe(0);
    expect(names([...sink.state.values()])).toEqual(['+default', '+a']);
  });

  test('went back between the two lists: lists again', async () => {
    const [store, restored] = [new ScriptedStore(1000), new ScriptedStore()];
    const block = '/calico/ipam/v2/assignment/ipv4/block/10.0.0.0-26';
    await store.put(block, '{"cidr":"10.0.0.0/26"}');
    await store.put(SET, setOf());
    const log: string[] = [];
    const sink = follow(store, log);
    await until(() => sink.statuses.length === 2);
    const pages = store.pages.bind(store);
    let times = 3;
    store.pages = (prefix) => (prefix !== RESOURCES && times-- > 0 ? restored.pages(prefix) : pages(prefix));
    store.lose('disconnected');
    await until(() => times < 0 && store.watches.size === 2);
    expect(sink.deletions.size).toBe(0);
    // Said once of the three times that it could not be read, and that it can be again.
    expect(log).toEqual(['the watch is lost', 'the datastore cannot be read', 'the datastore can be read again']);
  });

  test("it comes back as another cluster's: everything stays, said once, until the first is back", async () => {
    const [store, other] = [new ScriptedStore(), new ScriptedStore()];
    await store.put(CLUSTER, cluster(true));
    await store.put(resourceKey('nodes', 'a'), '{}');
    await store.put(resourceKey('nodes', 'b'), '{}');
    await other.put(CLUSTER, cluster(true).replace('"g"', '"h"'));
    const sink = new FoldingSink();
    const held: (string | null)[] = [];
    const onHeld = (why: CalicoError | null) => void held.push(why?.code ?? null);
    syncer = new Syncer(store, sink, { sleep: turn, onHeld });
    syncer.start();
    await until(() => sink.statuses.length === 2);
    const { get, pages, watch } = store;
    for (const method of ['get', 'pages', 'watch'] as const)
      Object.assign(store, { [method]: other[method].bind(other) });
    store.lose('compacted');
    await until(() => held.length > 0);
    for (let i = 0; i < 50; i++) await turn();
    expect(names([...sink.state.values()])).toEqual(['+default', '+a', '+b']);
    await store.delete(resourceKey('nodes', 'b'));
    Object.assign(store, { get, pages, watch });
    await until(() => held.length === 2);
    expect(held).toEqual(['E_CLUSTER', null]);
    expect([...sink.deletions.keys()]).toEqual(['Node(/b)']);
  });

  test('a policy under both forms of its name: default.p counts, and p when that is gone', async () => {
    const store = new ScriptedStore();
    const policy = (order: number) => JSON.stringify({ spec: { order } });
    const [plain, preferred] = ['p', 'default.p'].map((name) => resourceKey('globalnetworkpolicies', name)) as [
      string,
      string,
    ];
    await store.put(plain, policy(1));
    await store.put(preferred, policy(2));
    const sink = follow(store);
    const order = () =>
      (sink.state.get('GlobalNetworkPolicy(/p)')?.value as { order?: number } | null | undefined)?.order;
    await until(() => order() === 2);
    await store.put(plain, policy(3));
    await store.delete(preferred);
    await until(() => order() === 3);
    expect(sink.deletions.size).toBe(0);
    await store.delete(plain);
    await until(() => order() === undefined);
  });

  test('the sink hears nothing after stop', async () => {
    const store = new ScriptedStore();
    const sink = follow(store);
    await until(() => sink.statuses.length === 2);
    syncer?.stop();
    await store.put(SET, setOf());
    for (let i = 0; i < 10; i++) await turn();
    expect(names(sink.updates)).toEqual([]);
    expect(store.watches.size).toBe(0);
  });

  test('property: whatever happens, it ends with what is stored, and no deletion is made up', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
        const store = new ScriptedStore();
        for (const key of KEYS.slice(0, 4)) await store.put(key, VALUES[0] as string);
        const sink = follow(store);
        try {
          for (const act of actions) await act(store);
          await until(async () => sink.statuses.length === 2 && same(sink.state, await contents(store)));
          for (const [id, count] of sink.deletions) expect(count).toBeLessThanOrEqual(store.deletions.get(id) ?? 0);
          expect(sink.statuses).toEqual(['wait', 'in-sync']);
        } finally {
          syncer?.stop();
        }
      }),
      { numRuns: 300, seed: 20261123 },
    );
  });
});

const KEYS = [
  resourceKey('globalnetworkpolicies', 'p'),
  resourceKey('globalnetworkpolicies', 'default.p'),
  resourceKey('networkpolicies', 'default.q', 'prod'),
  resourceKey('nodes', 'n'),
  resourceKey('hostendpoints', 'h'),
  '/calico/ipam/v2/assignment/ipv4/block/10.0.0.0-26',
  resourceKey('tiers', 'none-of-the-model'),
];
const VALUES = [
  '{"spec":{"node":"n"}}',
  '{"cidr":"10.0.0.0/26","spec":{"node":"n","order":2}}',
  '{broken',
  '{"spec":{"selector":"a ="}}',
];

type Action = (store: ScriptedStore) => Promise<unknown>;
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(fc.constantFrom(...KEYS), fc.constantFrom(...VALUES)).map(
      ([key, value]) =>
        (store: ScriptedStore) =>
          store.put(key, value),
    ),
  },
  { weight: 5, arbitrary: fc.constantFrom(...KEYS).map((key) => (store: ScriptedStore) => store.delete(key)) },
  {
    weight: 3,
    arbitrary: fc.integer({ min: 1, max: 12 }).map((turns) => async () => {
      for (let i = 0; i < turns; i++) await turn();
    }),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('disconnected' as const, 'compacted' as const)
      .map((reason) => async (store: ScriptedStore) => store.lose(reason)),
  },
  { weight: 1, arbitrary: fc.constant(async (store: ScriptedStore) => store.compact()) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: 4 }).map((pages) => async (store: ScriptedStore) => {
      store.pagesLeft = pages;
    }),
  },
);

/** What the store holds, decoded apart from the syncer. */
async function contents(store: Store): Promise<Map<string, Update>> {
  const updates = [...BUILT_IN];
  const { items } = await store.list('/');
  const preferredLast = items.toSorted(
    (a, b) => Number(a.key.includes('/default.')) - Number(b.key.includes('/default.')),
  );
  for (const { key, value } of preferredLast) {
    const update = decode(key, value);
    if (update) updates.push(update);
  }
  return new Map(updates.map((update) => [idKey(update.id), update]));
}

function same(a: Map<string, Update>, b: Map<string, Update>): boolean {
  return a.size === b.size && [...b].every(([key, update]) => JSON.stringify(a.get(key)) === JSON.stringify(update));
}

test('revisions compare as numbers', () => {
  expect(compareRevisions('9', '10')).toBe(-1);
  expect(compareRevisions('10', '10')).toBe(0);
  expect(compareRevisions('11', '10')).toBe(1);
});
