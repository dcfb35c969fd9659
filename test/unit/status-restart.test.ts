/**
 * A Felix that starts finds the reports of the one before: those of endpoints that are there stay, at every moment, however
 * its first rounds go; only what is stale goes. Neutron takes a report that is gone for a broken port.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CalcGraph } from '../../src/calc/index.ts';
import { gone, hostEndpoint, put, workload } from '../../src/calc/testing/resources.ts';
import { Dataplane, type DataplaneConfig, type RoundOutcome } from '../../src/dataplane/index.ts';
import { FelixStatusKeys, MemoryStore, type Write } from '../../src/datastore/index.ts';
import { Iptables } from '../../src/drivers/iptables/index.ts';
import { StatusReports } from '../../src/felix/status/index.ts';
import type { exec } from '../../src/kernel/index.ts';
import { BOTH_FAMILIES } from '../random/fake-host.ts';
import { driversOver, linkUp } from '../random/fake-kernel.ts';
import { RecordingKernel } from './operations-kernel.ts';

const CONFIG: DataplaneConfig = { ...BOTH_FAMILIES, families: [4] };
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const REPORTING = {
  ...{ felixHostname: 'h1', openstackRegion: '' },
  ...{ endpointReportingEnabled: true, endpointReportingDelaySecs: 0, reportingIntervalSecs: 0, reportingTTLSecs: 0 },
};
const KEYS = new FelixStatusKeys('', 'h1');
const named = (port: string) => workload(`h1-openstack-${port}-eth0`, { interfaceName: `cali${port}` });
const w1 = named('w1');
const w2 = named('w2');
const eth0 = hostEndpoint('eth0', { interfaceName: 'eth0' });
const LIVE = [w1.id, w2.id, eth0.id].map((id) => KEYS.endpoint(id)!);
const STALE = KEYS.endpoint(named('gone').id)!;
const UP = '{"status":"up"}';

/** What of the kernel does not work. */
type Fault = 'links' | 'save' | 'restore';

class TestStore extends MemoryStore {
  readonly writes: Write[] = [];

  override async transact(compares: never[], writes: readonly Write[]) {
    this.writes.push(...writes);
    return super.transact(compares, writes);
  }
}

let store: TestStore;
let reports: StatusReports;
let graph: CalcGraph;
const dataplanes: Dataplane[] = [];

beforeEach(() => {
  store = new TestStore();
  reports = new StatusReports(store, log);
  graph = new CalcGraph({ node: 'h1' });
});
afterEach(async () => {
  reports.close();
  for (const dataplane of dataplanes.splice(0)) await dataplane.close();
});

/** Tells a dataplane over a kernel with these faults all there is. Resolves after that many rounds: mends the kernel then. */
function start(faults: Set<Fault>): { rounds(count: number): Promise<RoundOutcome[]> } {
  const recording = driversOver(new RecordingKernel());
  const { links } = recording;
  const resync = links.resync.bind(links);
  links.resync = () => {
    if (faults.has('links')) throw new Error('the kernel does not answer');
    resync();
    for (const [i, name] of ['caliw1', 'caliw2', 'eth0'].entries()) links.handle(linkUp(name, i + 5));
  };
  const run: typeof exec = async (program) => {
    const fault: Fault = program.endsWith('save') ? 'save' : 'restore';
    return { status: faults.has(fault) ? 4 : 0, stdout: '', stderr: faults.has(fault) ? 'locked' : '' };
  };
  const outcomes: RoundOutcome[] = [];
  let ended = () => {};
  const dataplane = new Dataplane({
    config: CONFIG,
    drivers: { ...recording, iptables: [new Iptables({ family: 4, backend: 'legacy', insertMode: 'insert', run })] },
    log,
    onRound: (_, outcome) => {
      outcomes.push(outcome);
      ended();
    },
    onEndpointStatus: reports.onEndpointStatus,
    onEndpointsTold: () => reports.onAllTold(),
  });
  dataplanes.push(dataplane);
  graph.onStatus('in-sync');
  graph.retell();
  graph.flush((update) => dataplane.onUpdate(update));
  return {
    async rounds(count) {
      while (outcomes.length < count)
        await new Promise<void>((resolve) => {
          ended = resolve;
        });
      return outcomes;
    },
  };
}

const stored = async () =>
  Object.fromEntries((await store.list('/calico/felix/')).items.map((kv) => [kv.key, kv.value]));
const deleted = () => store.writes.filter(({ value }) => value === null).map(({ key }) => key);
const becomes = (what: object) => expect.poll(stored, { timeout: 10_000, interval: 5 }).toEqual(what);
const all = (value: string) => Object.fromEntries(LIVE.map((key) => [key, value]));

async function anotherFelixWas(): Promise<void> {
  for (const key of [...LIVE, STALE]) await store.put(key, UP);
  graph.onUpdates([put(w1), put(w2), put(eth0)]);
  reports.configure(REPORTING);
}

test('nothing is written but what is stale', async () => {
  await anotherFelixWas();
  await start(new Set()).rounds(1);
  await becomes(all(UP));
  expect(store.writes).toEqual([{ key: STALE, value: null }]);
});

test('while the kernel cannot be read nobody knows anything, and nothing is written', async () => {
  await anotherFelixWas();
  const faults = new Set<Fault>(['links']);
  const { rounds } = start(faults);
  expect(await rounds(3)).toEqual(['failed', 'failed', 'failed']);
  expect(store.writes).toEqual([]);
  faults.clear();
  await becomes(all(UP));
  expect(store.writes).toEqual([{ key: STALE, value: null }]);
});

test.each<Fault>(['save', 'restore'])(
  'chains that cannot be written (%s) are reported, and no report goes',
  async (fault) => {
    await anotherFelixWas();
    const faults = new Set<Fault>([fault]);
    const { rounds } = start(faults);
    expect(await rounds(2)).toEqual(['failed', 'failed']);
    await expect.poll(async () => (await stored())[LIVE[0]!]).toMatch(/"status":"error".*IPv4/);
    faults.clear();
    await becomes(all(UP));
    expect(deleted()).toEqual([STALE]);
  },
);

test('another dataplane, of another configuration, tells again: what went meanwhile goes, once it has told all', async () => {
  await anotherFelixWas();
  await start(new Set()).rounds(1);
  await becomes(all(UP));
  await dataplanes[0]!.close();
  store.writes.length = 0;
  reports.startOver();
  graph.onUpdates([gone(w2)]);
  const faults = new Set<Fault>(['links']);
  await start(faults).rounds(2);
  expect(store.writes).toEqual([]);
  faults.clear();
  const { [LIVE[1]!]: _, ...others } = all(UP);
  await becomes(others);
  expect(store.writes).toEqual([{ key: LIVE[1], value: null }]);
});
