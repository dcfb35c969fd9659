/** No fault of etcd makes the syncer tell a deletion that did not happen, or miss a change; somebody writes all the while. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EtcdStore } from '../../src/datastore/etcd/store.ts';
import { Etcd, ready } from './datastore-etcd.ts';
import { blackHole, CLUSTER, clusterOf, Following, sleep, until } from './datastore-faults.ts';
import { enterOwnNamespace, sh } from './own-namespace.ts';

enterOwnNamespace();

let etcd: Etcd;
let following: Following;

beforeEach(async () => {
  // A client that pings more often than every 5 s would be sent away.
  etcd = new Etcd(['--grpc-keepalive-min-time', '500ms']);
  await etcd.start();
  await ready(etcd);
  following = new Following(etcd, { silence: 3000, timeout: 1500 });
});

afterEach(async () => {
  await following.close();
  await etcd.remove();
});

async function holds(): Promise<void> {
  await following.settle();
  expect(following.falselyDeleted).toEqual([]);
  expect(following.writes).toBeGreaterThan(10);
}

test('etcd killed and started again, three times', async () => {
  await following.start();
  following.write();
  for (let i = 0; i < 3; i++) {
    await sleep(300);
    await etcd.stop();
    await etcd.start();
    await ready(etcd);
  }
  await holds();
});

test('the history is compacted during the lists', async () => {
  await following.start();
  following.write();
  const pages = following.store.pages.bind(following.store);
  await sleep(500);
  let compactions = 6;
  following.store.pages = async function* (prefix) {
    for await (const page of pages(prefix)) {
      yield page;
      if (compactions-- <= 0) continue;
      await sleep(30);
      const now = (JSON.parse(etcd.ctl('get', '/', '-w', 'json')) as { header: { revision: number } }).header.revision;
      etcd.ctl('compact', String(now));
    }
  };
  await etcd.stop();
  await etcd.start();
  await until(() => following.log.some((line) => line.includes('compacted')));
  await holds();
});

test('restored to a lower revision, and written on', async () => {
  await following.start();
  etcd.save();
  following.write();
  await sleep(1000);
  await etcd.restore();
  await etcd.start();
  await ready(etcd);
  await until(() => following.log.some((line) => line.includes('behind')));
  await holds();
});

test('packets dropped without a word, until it is noticed', async () => {
  await following.start();
  following.write();
  await sleep(300);
  const end = blackHole(etcd.port);
  await until(() => following.log.some((line) => line.includes('the watch is lost')));
  await until(() => following.log.some((line) => line.includes('cannot be read')));
  end();
  await holds();
});

test('its user loses the right to read, and gets it back', async () => {
  etcd.ctl('user', 'add', 'root:r');
  etcd.ctl('user', 'add', 'felix:f');
  etcd.ctl('role', 'add', 'reader');
  const [right, key] = [['--prefix=true', 'reader', 'read'], '/calico/'];
  etcd.ctl('role', 'grant-permission', ...right, key);
  etcd.ctl('user', 'grant-role', 'felix', 'reader');
  etcd.ctl('user', 'grant-role', 'root', 'root');
  etcd.ctl('auth', 'enable');
  await following.close();
  const login = { silence: 3000, timeout: 1500, username: 'felix', password: 'f' };
  following = new Following(etcd, login, { username: 'root', password: 'r' });
  await following.start();
  following.write();
  await sleep(300);
  const root = (...args: string[]) => etcd.ctl('--user', 'root:r', ...args);
  root('role', 'revoke-permission', '--prefix=true', 'reader', key);
  await etcd.stop();
  await etcd.start();
  await until(() => following.log.some((line) => line.includes('permission denied')));
  root('role', 'grant-permission', ...right, key);
  await holds();
});

test('its certificate is one that nobody trusts, and then the right one again', async () => {
  await following.close();
  await etcd.remove();
  const openssl = (command: string) => sh(`cd ${directory} && openssl req -x509 ${command} 2>&1`);
  const directory = mkdtempSync(join(tmpdir(), 'calico-etcd-trust-'));
  const ask = '-newkey rsa:2048 -nodes -days 2 -addext subjectAltName=IP:127.0.0.1 -subj';
  for (const name of ['right', 'wrong']) openssl(`${ask} /CN=${name} -keyout ${name}.key -out ${name}.pem`);
  const present = (name: string) => sh(`cd ${directory} && cp ${name}.pem now.pem && cp ${name}.key now.key`);
  const ca = readFileSync(join(directory, 'right.pem'), 'utf8');
  present('right');
  const files = ['--cert-file', join(directory, 'now.pem'), '--key-file', join(directory, 'now.key')];
  etcd = new Etcd(files, 'https');
  await etcd.start();
  await ready(etcd, () => new EtcdStore({ endpoints: [etcd.endpoint], ca }));
  following = new Following(etcd, { timeout: 1500, ca }, { ca });
  await following.start();
  following.write();
  await sleep(300);
  await etcd.stop();
  present('wrong');
  await etcd.start();
  await until(() => following.log.some((line) => /certificate/.test(line)));
  await etcd.stop();
  present('right');
  await etcd.start();
  await holds();
  rmSync(directory, { recursive: true });
});

test('wiped, and made anew as another cluster: everything stays, until the first is back', async () => {
  await following.start();
  following.write();
  await sleep(300);
  await following.settle();
  etcd.save();
  const before = [...following.view];
  await etcd.wipe();
  await etcd.start();
  await ready(etcd);
  etcd.ctl('put', CLUSTER, clusterOf('another'));
  await until(() => following.held.includes('E_CLUSTER'));
  await sleep(2500);
  expect([...following.view]).toEqual(before);
  expect(following.held.filter((code) => code === 'E_CLUSTER')).toHaveLength(1);
  await etcd.restore();
  await etcd.start();
  await ready(etcd);
  following.write();
  await until(() => following.held.at(-1) === null);
  await sleep(300);
  await holds();
});
