import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EndpointState } from '../../dataplane/index.ts';
import { MemoryStore, type Write } from '../../datastore/index.ts';
import { EndpointReporter } from './endpoint-reporter.ts';
import { ManualClock, settled } from './manual-clock.testing.ts';

/** Remembers what was written, and can be away. */
class TestStore extends MemoryStore {
  away = false;
  readonly transactions: (readonly Write[])[] = [];

  override async list(prefix: string) {
    if (this.away) throw new Error('away');
    return super.list(prefix);
  }

  override async transact(compares: never[], writes: readonly Write[]) {
    if (this.away) throw new Error('away');
    this.transactions.push(writes);
    return super.transact(compares, writes);
  }
}

const HOST = '/calico/felix/v2/no-region/host/h1/';
const keyOf = (port: string) => `${HOST}workload/openstack/default%2fvm/endpoint/${port}`;
const idOf = (port: string) =>
  ({ kind: 'WorkloadEndpoint', namespace: 'default', name: `h1-openstack-vm-${port}` }) as const;

let store: TestStore;
let clock: ManualClock;
let warnings: string[];
const reporters: EndpointReporter[] = [];

beforeEach(() => {
  store = new TestStore();
  clock = new ManualClock();
  warnings = [];
});
afterEach(() => {
  for (const reporter of reporters.splice(0)) reporter.close();
});

function reporterOf(delayMs = 1000): EndpointReporter {
  const log = { warn: (_: object, message: string) => void warnings.push(message) };
  const reporter = new EndpointReporter({ store, region: '', host: 'h1', delayMs, log, sleep: clock.sleep });
  reporters.push(reporter);
  return reporter;
}

function tell(reporter: EndpointReporter, port: string, state: EndpointState, problems: string[] = []): void {
  reporter.set(idOf(port), { id: idOf(port), state, problems });
}

async function stored(): Promise<Record<string, unknown>> {
  const { items } = await new MemoryStore().list.call(store, '/calico/felix/');
  return Object.fromEntries(items.map(({ key, value }) => [key, JSON.parse(value)]));
}

test("a status is written after the delay, as upstream's is; an error says why", async () => {
  const reporter = reporterOf();
  tell(reporter, 'one', 'up');
  tell(reporter, 'two', 'error', ['policy p: rule 2 is refused']);
  reporter.allTold();
  await clock.pass(999);
  expect(store.transactions).toEqual([]);
  await clock.pass(1);
  expect(store.transactions).toHaveLength(1);
  expect(await stored()).toEqual({
    [keyOf('one')]: { status: 'up' },
    [keyOf('two')]: { status: 'error', problems: ['policy p: rule 2 is refused'] },
  });
});

test('nothing goes and nothing is written before all endpoints have been told', async () => {
  await store.put(keyOf('later'), '{"status":"up"}');
  const reporter = reporterOf();
  tell(reporter, 'one', 'up');
  await clock.pass(10_000);
  expect(store.transactions).toEqual([]);
  tell(reporter, 'later', 'up');
  reporter.allTold();
  await clock.pass(1000);
  // What is there already, from another Felix, is not written again.
  expect(store.transactions).toEqual([[{ key: keyOf('one'), value: '{"status":"up"}' }]]);
});

test("what is stale below the host's own keys goes; other hosts', and the host's own status, stay", async () => {
  const kept = [`${HOST}status`, `${HOST}last_reported_status`, keyOf('x').replace('/h1/', '/h10/')];
  const stale = [keyOf('gone'), '/calico/felix/v1/host/h1/endpoint/gone'];
  for (const key of [...kept, ...stale]) await store.put(key, '{}');
  reporterOf().allTold();
  await clock.pass(1000);
  expect(Object.keys(await stored()).sort()).toEqual(kept.sort());
});

test('what flaps within the delay is written once, and what comes back to what it was not at all', async () => {
  const reporter = reporterOf();
  tell(reporter, 'one', 'up');
  reporter.allTold();
  await clock.pass(1000);
  for (const state of ['down', 'up', 'down', 'error'] as const) tell(reporter, 'one', state);
  await clock.pass(1000);
  expect(store.transactions.flat().map(({ value }) => value)).toEqual(['{"status":"up"}', '{"status":"error"}']);
  tell(reporter, 'one', 'down');
  tell(reporter, 'one', 'error');
  await clock.pass(10_000);
  expect(store.transactions).toHaveLength(2);
});

test('an endpoint that is no longer here has no status', async () => {
  const reporter = reporterOf();
  tell(reporter, 'one', 'up');
  reporter.allTold();
  await clock.pass(1000);
  reporter.set(idOf('one'), null);
  await clock.pass(1000);
  expect(await stored()).toEqual({});
});

test('a delay of 0 is none', async () => {
  const reporter = reporterOf(0);
  reporter.allTold();
  tell(reporter, 'one', 'up');
  await settled();
  expect(await stored()).toEqual({ [keyOf('one')]: { status: 'up' } });
  tell(reporter, 'one', 'down');
  await settled();
  expect(await stored()).toEqual({ [keyOf('one')]: { status: 'down' } });
});

test('while the datastore is away the latest waits, and is written when it is back; it is said once', async () => {
  const reporter = reporterOf();
  tell(reporter, 'one', 'up');
  reporter.allTold();
  await clock.pass(1000);
  store.away = true;
  tell(reporter, 'one', 'down');
  await clock.pass(5000);
  tell(reporter, 'one', 'error');
  await clock.pass(60_000);
  expect(warnings).toHaveLength(1);
  expect(reporter.pending).toBe(1);
  store.away = false;
  await clock.pass(31_000);
  expect(store.transactions.flat().map(({ value }) => value)).toEqual(['{"status":"up"}', '{"status":"error"}']);
  expect(reporter.pending).toBe(0);
});

test('what others changed is mended now and then', async () => {
  const reporter = reporterOf();
  tell(reporter, 'one', 'up');
  tell(reporter, 'two', 'up');
  reporter.allTold();
  await clock.pass(1000);
  await store.delete(keyOf('one'));
  await store.put(keyOf('two'), '{"status":"down"}');
  await clock.pass(182_000);
  expect(await stored()).toEqual({ [keyOf('one')]: { status: 'up' }, [keyOf('two')]: { status: 'up' } });
});

test('many endpoints take few transactions, none of which etcd would refuse', async () => {
  const reporter = reporterOf();
  for (let i = 0; i < 250; i++) tell(reporter, `p${i}`, 'up');
  reporter.allTold();
  await clock.pass(1000);
  expect(store.transactions.map(({ length }) => length)).toEqual([100, 100, 50]);
  expect(reporter.writes).toBe(250);
});
