import { expect, test } from 'vitest';
import { MemoryStore, type Write } from '../../datastore/index.ts';
import { HostReporter } from './host-reporter.ts';
import { ManualClock, settled } from './manual-clock.testing.ts';

const STATUS = '/calico/felix/v2/no-region/host/h1/status';
const LAST = '/calico/felix/v2/no-region/host/h1/last_reported_status';

/** Leases end when the test says so. */
class TestStore extends MemoryStore {
  away = false;
  readonly live = new Set<string>();
  granted: number[] = [];
  readonly writes: Write[] = [];

  override async grantLease(seconds: number) {
    if (this.away) throw new Error('away');
    this.granted.push(seconds);
    const name = `lease ${this.granted.length}`;
    this.live.add(name);
    return name;
  }

  override async renewLease(lease: string) {
    if (this.away) throw new Error('away');
    return this.live.has(lease);
  }

  override async transact(_: never[], writes: readonly Write[]) {
    if (this.away) throw new Error('away');
    this.writes.push(...writes);
    return '2';
  }
}

function start(store: TestStore, ttlSeconds = 90) {
  const clock = new ManualClock();
  const warnings: string[] = [];
  const reporter = new HostReporter({
    ...{ store, region: '', host: 'h1', intervalMs: 30_000, ttlSeconds, sleep: clock.sleep },
    log: { warn: (_, message) => void warnings.push(message) },
    uptime: () => clock.now / 1000 + 0.5,
    now: () => new Date(Date.UTC(2026, 0, 1) + clock.now),
  });
  return { clock, reporter, warnings };
}

test("reports are upstream's: the first after ten seconds, then each interval, one key with a lease and one without", async () => {
  const store = new TestStore();
  const { clock, reporter } = start(store);
  await clock.pass(9_000);
  expect(store.writes).toEqual([]);
  await clock.pass(500);
  const first = { time: '2026-01-01T00:00:09Z', uptime: 10, first_update: true };
  expect(store.writes.map(({ key, lease }) => [key, lease])).toEqual([
    [STATUS, 'lease 1'],
    [LAST, undefined],
  ]);
  expect(store.writes.map(({ value }) => JSON.parse(value!))).toEqual([first, first]);
  await clock.pass(60_000);
  expect(store.writes.map(({ value }) => JSON.parse(value!).first_update)).toEqual([
    ...[true, true],
    ...[false, false],
    ...[false, false],
  ]);
  reporter.close();
});

test('one lease for as long as it lives; another when it has ended', async () => {
  const store = new TestStore();
  const { clock, reporter } = start(store, 89.5);
  await clock.pass(100_000);
  expect(store.granted).toEqual([90]);
  store.live.clear();
  await clock.pass(30_000);
  expect(store.granted).toEqual([90, 90]);
  expect(store.writes.at(-2)?.lease).toBe('lease 2');
  reporter.close();
});

test('a time to live of 0 is none', async () => {
  const store = new TestStore();
  const { clock, reporter } = start(store, 0);
  await clock.pass(10_000);
  expect(store.granted).toEqual([]);
  expect(store.writes.map(({ lease }) => lease)).toEqual([undefined, undefined]);
  reporter.close();
});

test('a datastore that was away hears of the host soon after it is back, of its present', async () => {
  const store = new TestStore();
  store.away = true;
  const { clock, reporter, warnings } = start(store);
  await clock.pass(100_000);
  expect(warnings).toHaveLength(1);
  store.away = false;
  await clock.pass(2_000);
  expect(reporter.reports).toBe(1);
  expect(JSON.parse(store.writes[0]!.value!)).toMatchObject({ first_update: true });
  reporter.close();
  await clock.pass(100_000);
  await settled();
  expect(reporter.reports).toBe(1);
});
