/** The syncer over a real etcd that is killed, restarted, compacted, frozen and wiped. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EtcdStore } from '../../src/datastore/etcd/store.ts';
import { resourceKey, Syncer } from '../../src/datastore/index.ts';
import { idText, type SyncStatus, type Update } from '../../src/model/index.ts';
import { Etcd, freePort, ready } from './datastore-etcd.ts';

let etcd: Etcd;
let store: EtcdStore;
let syncer: Syncer;
let statuses: SyncStatus[];
let log: string[];
/** Updates since the last `take`. */
let updates: Update[];

beforeEach(async () => {
  etcd = new Etcd();
  await etcd.start();
  await ready(etcd);
  statuses = [];
  updates = [];
  log = [];
});

afterEach(async () => {
  syncer.stop();
  await store.close();
  await etcd.remove();
});

async function follow(endpoints: string[] = [etcd.endpoint]): Promise<void> {
  store = new EtcdStore({ endpoints, pageSize: 3 });
  const sink = {
    onUpdates: (batch: readonly Update[]) => void updates.push(...batch),
    onStatus: (status: SyncStatus) => void statuses.push(status),
  };
  syncer = new Syncer(store, sink, { log: (message) => log.push(message) });
  syncer.start();
  await until(() => statuses.includes('in-sync'));
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not reached: ${condition}`);
}

/** What has been reported since the last call: `+Node a`, `-Node b`. */
function take(): string[] {
  const taken = updates.map(({ id, value }) => `${value === null ? '-' : '+'}${idText(id)}`);
  updates = [];
  return taken.filter((text) => !text.includes('default-allow'));
}

const NODES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const node = (name: string) => resourceKey('nodes', name);
const allNodes = NODES.map((name) => `+Node ${name}`);

async function putNodes(): Promise<void> {
  for (const name of NODES) etcd.ctl('put', node(name), '{}');
}

test('a restart of etcd: only what has changed', async () => {
  await putNodes();
  await follow();
  expect(take()).toEqual(allNodes);
  await etcd.stop();
  await until(() => log.length > 0);
  expect(take()).toEqual([]);
  await etcd.start();
  await ready(etcd);
  etcd.ctl('put', node('h'), '{}');
  etcd.ctl('del', node('a'));
  await until(() => updates.length >= 2);
  expect(take().sort()).toEqual(['+Node h', '-Node a']);
  expect(statuses).toEqual(['wait', 'in-sync']);
});

test('writes and a compaction while the connection is frozen', async () => {
  await putNodes();
  await follow([etcd.endpoint]);
  take();
  process.kill(etcd.pid, 'SIGSTOP');
  await until(() => log.length > 0);
  process.kill(etcd.pid, 'SIGCONT');
  etcd.ctl('del', node('b'));
  etcd.ctl('put', node('b'), '{"metadata":{"labels":{"new":""}}}');
  etcd.ctl('del', node('c'));
  const revision = (JSON.parse(etcd.ctl('get', '/', '-w', 'json')) as { header: { revision: number } }).header.revision;
  etcd.ctl('compact', String(revision));
  await until(() => updates.some(({ id, value }) => id.name === 'c' && value === null));
  const taken = take();
  expect(taken.at(-1)).toBe('-Node c');
  expect(taken.filter((text) => text.startsWith('-') && text !== '-Node b')).toEqual(['-Node c']);
});

test('etcd away for a while, and endpoints that are wrong: nothing is reported', async () => {
  await putNodes();
  await follow([`http://127.0.0.1:${await freePort()}`, etcd.endpoint]);
  expect(take()).toEqual(allNodes);
  await etcd.stop();
  await new Promise((resolve) => setTimeout(resolve, 6000));
  await etcd.start();
  await ready(etcd);
  etcd.ctl('put', node('a'), '{"metadata":{"labels":{"x":"y"}}}');
  await until(() => updates.length > 0);
  expect(take()).toEqual(['+Node a']);
});

test('an etcd that comes back empty is not believed, one that is restored is', async () => {
  const cluster = resourceKey('clusterinformations', 'default');
  etcd.ctl('put', cluster, '{"spec":{"clusterGUID":"g","datastoreReady":true}}');
  await putNodes();
  await follow();
  take();
  await etcd.wipe();
  await etcd.start();
  await ready(etcd);
  await until(() => log.some((message) => message.includes('no longer')));
  for (const name of NODES.slice(1)) etcd.ctl('put', node(name), '{}');
  etcd.ctl('put', cluster, '{"spec":{"clusterGUID":"g","datastoreReady":true}}');
  await until(() => updates.some(({ value }) => value === null));
  expect(take().filter((text) => text.startsWith('-'))).toEqual(['-Node a']);
  expect(log.join()).toContain('behind');
});
