/** Every state reached by any way is the state worked out from scratch: named states, in many sequences. */
import { describe, expect, test } from 'vitest';
import { idKey, type Update } from '../model/index.ts';
import type { DataplaneState } from './state.ts';
import { Host } from './testing/host.ts';
import { naiveState } from './testing/naive.ts';
import { gone, put } from './testing/resources.ts';
import { STATES, type State } from './testing/states.ts';

/** Nothing but the good and the broken resources of the state. */
const updatesOf = ({ values, broken = [] }: State): Update[] => [
  ...new Map([...values.map(put), ...broken].map((u) => [idKey(u.id), u])).values(),
];

/** Without what was told when. */
function plain(state: DataplaneState) {
  const { sets, policies, profiles, workloads, hostEndpoints, pools, nodes, vteps, routes, servicePrefixes, config } =
    state;
  return { sets, policies, profiles, workloads, hostEndpoints, pools, nodes, vteps, routes, servicePrefixes, config };
}

function scratch(state: State) {
  const host = new Host();
  host.graph.onStatus('in-sync');
  host.update(...updatesOf(state));
  return plain(host.state);
}
const expected = new Map(STATES.map((state) => [state, scratch(state)]));

/** What leads from one state to another. */
function between(before: State | null, after: State): Update[] {
  const wanted = updatesOf(after);
  const keys = new Set(wanted.map(({ id }) => idKey(id)));
  const left = before ? updatesOf(before).filter(({ id }) => !keys.has(idKey(id))) : [];
  return [...left.map(gone), ...wanted];
}

/** The same whenever it runs: every state once, in an order of its own. */
function shuffled<T>(list: readonly T[], seed: number): T[] {
  let random = seed;
  const draw = () => (random = (random * 1103515245 + 12345) % 2147483648);
  return list
    .map((item) => [draw(), item] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, item]) => item);
}

const ORDERS: Readonly<Record<string, readonly State[]>> = {
  'in order': STATES,
  reversed: STATES.toReversed(),
  ...Object.fromEntries([1, 2, 3, 4, 5].map((seed) => [`shuffled ${seed}`, shuffled(STATES, seed)])),
};

type Way = (host: Host, updates: readonly Update[], state: State) => Host;
const WAYS: Readonly<Record<string, Way>> = {
  'at once': (host, updates) => {
    host.update(...updates);
    return host;
  },
  'each flushed': (host, updates) => {
    for (const update of updates) host.update(update);
    return host;
  },
  'backwards, each flushed': (host, updates) => {
    for (const update of updates.toReversed()) host.update(update);
    return host;
  },
  'in two halves': (host, updates) => {
    host.update(...updates.filter((_, i) => i % 2 === 0));
    host.update(...updates.filter((_, i) => i % 2 === 1));
    return host;
  },
  'with duplicates': (host, updates) => {
    host.update(...updates, ...updates);
    for (const update of updates) host.update(update, update);
    return host;
  },
  'through nothing': (host, updates) => {
    host.update(...updates.map(gone));
    host.update(...updates);
    return host;
  },
  'to a new listener': (host, updates) => {
    host.update(...updates);
    host.startAnew();
    return host;
  },
  'restarted, in sync in the middle': (_, __, state) => {
    const host = new Host();
    const all = updatesOf(state);
    const middle = all.length >> 1;
    for (const update of all.slice(0, middle)) host.update(update);
    host.graph.onStatus('in-sync');
    host.update(...all.slice(middle));
    return host;
  },
};

test('there are at least 60 states, each with a name', () => {
  expect(new Set(STATES.map(({ about }) => about)).size).toBe(STATES.length);
  expect(STATES.length).toBeGreaterThanOrEqual(60);
});

test.each(STATES.filter(({ unreadable }) => !unreadable))('from scratch, and read naively: $about', (state) => {
  const { sets, policies, profiles, workloads, hostEndpoints } = expected.get(state) as ReturnType<typeof plain>;
  const read = updatesOf(state).flatMap(({ value }) => (value ? [value] : []));
  const naive = naiveState('h1', read);
  expect({ sets, policies, profiles, workloads, hostEndpoints }).toEqual({
    sets: naive.sets,
    policies: naive.policies,
    profiles: naive.profiles,
    workloads: naive.workloads,
    hostEndpoints: naive.hostEndpoints,
  });
});

describe.each(Object.entries(ORDERS))('%s', (_, states) => {
  test.each(Object.entries(WAYS))('%s', (_, way) => {
    let host = new Host();
    host.inSync();
    let before: State | null = null;
    for (const state of states) {
      host = way(host, between(before, state), state);
      expect({ state: state.about, ...plain(host.state) }).toEqual({ state: state.about, ...expected.get(state) });
      before = state;
    }
  });
});

test('one after the other and back: every state leaves nothing behind', () => {
  const host = new Host();
  host.graph.onStatus('in-sync');
  for (const state of STATES) {
    host.update(...updatesOf(state));
    host.update(...updatesOf(state).map(gone));
    expect({ after: state.about, ...host.graph.sizes.active, selectors: host.graph.sizes.parsedSelectors }).toEqual({
      after: state.about,
      workloads: 0,
      hostEndpoints: 0,
      policies: 0,
      profiles: 0,
      sets: 0,
      selectors: 0,
    });
  }
});
