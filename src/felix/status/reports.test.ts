import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MemoryStore, type Write } from '../../datastore/index.ts';
import { StatusReports } from './index.ts';
import { settled } from './manual-clock.testing.ts';

const id = { kind: 'HostEndpoint', name: 'eth0' } as const;
/** Deletes wait in it for as long as somebody says so, as on a slow network. */
class SlowStore extends MemoryStore {
  deletes = Promise.resolve();

  override async transact(compares: never[], writes: readonly Write[]) {
    if (writes.some(({ value }) => value === null)) await this.deletes;
    return super.transact(compares, writes);
  }
}

let store: SlowStore;
let warnings: string[];
let reports: StatusReports;
beforeEach(() => {
  store = new SlowStore();
  warnings = [];
  reports = new StatusReports(store, { warn: (_, message) => void warnings.push(message) });
});
afterEach(() => reports.close());

const configure = (endpointReportingEnabled: boolean, reportingTTLSecs = 90): void =>
  reports.configure({
    felixHostname: 'h1',
    openstackRegion: '',
    endpointReportingEnabled,
    endpointReportingDelaySecs: 0,
    reportingIntervalSecs: 0,
    reportingTTLSecs,
  });

async function reported(): Promise<string[]> {
  const { items } = await store.list('/calico/felix/');
  return items.map(({ key }) => key.replace(/.*h1\//, '')).sort();
}

test('states of endpoints go when their reports are switched off, the host stays; and come back', async () => {
  const all = ['endpoint/eth0', 'status'];
  await store.put('/calico/felix/v2/no-region/host/h1/status', '{}');
  configure(true);
  reports.onEndpointStatus(id, { id, state: 'up', problems: [] });
  reports.onAllTold();
  await vi.waitFor(async () => expect(await reported()).toEqual(all));
  configure(false);
  await vi.waitFor(async () => expect(await reported()).toEqual(all.slice(1)));
  reports.onEndpointStatus(id, { id, state: 'down', problems: [] });
  configure(true);
  await vi.waitFor(async () => expect(await reported()).toEqual(all));
  expect(warnings).toEqual([]);
});

test('a deletion that is on its way when reports are switched on again takes nothing of what they say', async () => {
  const slow = Promise.withResolvers<void>();
  store.deletes = slow.promise;
  configure(true);
  reports.onEndpointStatus(id, { id, state: 'up', problems: [] });
  reports.onAllTold();
  await vi.waitFor(async () => expect(await reported()).toEqual(['endpoint/eth0']));
  configure(false);
  await settled();
  configure(true);
  await settled();
  slow.resolve();
  await settled();
  expect(await reported()).toEqual(['endpoint/eth0']);
});

test('what is being taken back goes, whatever else of the configuration changes meanwhile', async () => {
  configure(true);
  reports.onEndpointStatus(id, { id, state: 'up', problems: [] });
  reports.onAllTold();
  await vi.waitFor(async () => expect(await reported()).toEqual(['endpoint/eth0']));
  configure(false);
  configure(false, 60);
  await settled();
  expect(await reported()).toEqual([]);
});
