import { afterEach, expect, test, vi } from 'vitest';
import { MemoryStore } from '../../datastore/index.ts';
import { StatusReports } from './index.ts';

const id = { kind: 'HostEndpoint', name: 'eth0' } as const;
const store = new MemoryStore();
const warnings: string[] = [];
const reports = new StatusReports(store, { warn: (_, message) => void warnings.push(message) });
afterEach(() => reports.close());

const configure = (endpointReportingEnabled: boolean): void =>
  reports.configure({
    felixHostname: 'h1',
    openstackRegion: '',
    endpointReportingEnabled,
    endpointReportingDelaySecs: 0,
    reportingIntervalSecs: 0,
    reportingTTLSecs: 90,
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
