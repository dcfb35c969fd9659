/** The Store over a real etcd: the common cases, and what only a network brings. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EtcdStore } from '../../src/datastore/etcd/store.ts';
import { storeCases } from '../../src/datastore/store.cases.ts';
import { Etcd, freePort, ready } from './datastore-etcd.ts';

describe('an etcd', () => {
  const etcd = new Etcd();
  beforeAll(async () => {
    await etcd.start();
    await ready(etcd);
  });
  afterAll(() => etcd.remove());

  describe('common cases', () => {
    storeCases(
      async () => new EtcdStore({ endpoints: [etcd.endpoint], pageSize: 10 }),
      async (_, revision) => void etcd.ctl('compact', revision),
    );
  });

  test('answers of more than 4 MiB', async () => {
    const store = new EtcdStore({ endpoints: [etcd.endpoint] });
    const value = 'x'.repeat(1_000_000);
    for (let i = 0; i < 6; i++) await store.put(`/large/${i}`, value);
    const { items } = await store.list('/large/');
    expect(items.map((item) => item.value.length)).toEqual(Array(6).fill(1_000_000));
    await store.close();
  });

  test('a list whose revision is compacted on the way starts again', async () => {
    const store = new EtcdStore({ endpoints: [etcd.endpoint], pageSize: 2 });
    for (let i = 0; i < 5; i++) await store.put(`/compacted/${i}`, '');
    const partial = (async () => {
      for await (const _ of store.pages('/compacted/')) {
        await store.put('/compacted/9', '');
        etcd.ctl('compact', await store.put('/elsewhere', ''));
      }
    })();
    await expect(partial).rejects.toMatchObject({ code: 'E_DATASTORE' });
    expect((await store.list('/compacted/')).items).toHaveLength(6);
    await store.close();
  });

  test('the first endpoint that answers is used: refused, silent, then right', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as { port: number };
    const endpoints = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${port}`, etcd.endpoint];
    const store = new EtcdStore({ endpoints });
    await store.put('/found', 'yes');
    expect((await store.get('/found'))?.value).toBe('yes');
    await store.close();
    silent.close();
  });

  test('a request finds etcd again after its restart', async () => {
    const store = new EtcdStore({ endpoints: [etcd.endpoint] });
    await store.put('/kept', 'yes');
    await etcd.stop();
    await expect(store.get('/kept')).rejects.toMatchObject({ code: 'E_DATASTORE' });
    await etcd.start();
    await ready(etcd);
    expect((await store.get('/kept'))?.value).toBe('yes');
    await store.close();
  });

  test('a stopped etcd loses the watch and ends the request', async () => {
    const store = new EtcdStore({ endpoints: [etcd.endpoint], timeout: 1000 });
    const revision = await store.put('/stopped', '1');
    const lost = new Promise((resolve) => store.watch('/stopped', revision, { onEvents() {}, onLost: resolve }));
    process.kill(etcd.pid, 'SIGSTOP');
    try {
      await expect(store.get('/stopped')).rejects.toMatchObject({ code: 'E_DATASTORE' });
      expect(await lost).toBe('disconnected');
    } finally {
      process.kill(etcd.pid, 'SIGCONT');
    }
    await store.close();
  });
});

describe('three members', () => {
  const members: Etcd[] = [];
  beforeAll(async () => {
    const peers = await Promise.all([1, 2, 3].map(async (i) => `m${i}=http://127.0.0.1:${await freePort()}`));
    for (const peer of peers) {
      const [name, url] = peer.split('=') as [string, string];
      const own = ['--listen-peer-urls', url, '--initial-advertise-peer-urls', url];
      members.push(new Etcd(['--name', name, ...own, '--initial-cluster', peers.join(',')]));
    }
    await Promise.all(members.map((member) => member.start()));
    for (const member of members) await ready(member);
  });
  afterAll(() => Promise.all(members.map((member) => member.remove())));

  test('goes on with another when its member dies, and is refused by one that is left alone', async () => {
    const store = new EtcdStore({ endpoints: members.map((member) => member.endpoint) });
    const revision = await store.put('/a', '1');
    const lost = new Promise((resolve) => store.watch('/a', revision, { onEvents() {}, onLost: resolve }));
    await members[0]?.stop();
    expect(await lost).toBe('disconnected');
    await expect.poll(() => store.put('/a', '2').catch(() => null), { timeout: 20_000 }).not.toBeNull();
    expect((await store.get('/a'))?.value).toBe('2');
    await members[1]?.stop();
    await expect.poll(() => store.get('/a').catch((error) => error.code), { timeout: 20_000 }).toBe('E_DATASTORE');
    await store.close();
  });
});

test('nobody there: one error, with a hint', async () => {
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const store = new EtcdStore({ endpoints: [endpoint] });
  await expect(store.get('/x')).rejects.toMatchObject({
    code: 'E_DATASTORE',
    subject: endpoint,
    hint: expect.stringContaining('ETCD_ENDPOINTS'),
  });
  await store.close();
});

test('somebody there who says nothing: the same', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => silent.once('listening', resolve));
  const { port } = silent.address() as { port: number };
  const store = new EtcdStore({ endpoints: [`http://127.0.0.1:${port}`], timeout: 500 });
  await expect(store.list('/x')).rejects.toMatchObject({
    code: 'E_DATASTORE',
    hint: expect.stringContaining('ETCD_ENDPOINTS'),
  });
  await store.close();
  silent.close();
});

test('an endpoint that is none', () => {
  expect(() => new EtcdStore({ endpoints: ['not a url'] })).toThrow(expect.objectContaining({ code: 'E_CONFIG' }));
});

describe('TLS, user and password', () => {
  let etcd: Etcd;
  let files: { ca: string; cert: string; key: string };
  const directory = mkdtempSync(join(tmpdir(), 'calico-etcd-tls-'));
  let server: { cert: string; key: string };

  beforeAll(async () => {
    files = certificates(directory);
    server = {
      cert: readFileSync(join(directory, 'server.pem'), 'utf8'),
      key: readFileSync(join(directory, 'server.key'), 'utf8'),
    };
    const path = (name: string) => join(directory, name);
    const tls = [
      '--cert-file',
      path('server.pem'),
      '--key-file',
      path('server.key'),
      '--trusted-ca-file',
      path('ca.pem'),
      '--client-cert-auth',
    ];
    etcd = new Etcd([...tls, '--auth-token-ttl', '1'], 'https');
    await etcd.start();
    await ready(etcd, () => new EtcdStore({ endpoints: [etcd.endpoint], ...files }));
    const ctl = (...args: string[]) =>
      etcd.ctl('--cacert', path('ca.pem'), '--cert', path('client.pem'), '--key', path('client.key'), ...args);
    ctl('user', 'add', 'root:rootpw');
    ctl('user', 'add', 'calico:s3cret');
    ctl('role', 'add', 'calico');
    ctl('role', 'grant-permission', '--prefix=true', 'calico', 'readwrite', '/calico/');
    ctl('user', 'grant-role', 'calico', 'calico');
    ctl('user', 'grant-role', 'root', 'root');
    ctl('auth', 'enable');
  });
  afterAll(async () => {
    await etcd.remove();
    rmSync(directory, { recursive: true });
  });

  const open = (more: object = {}) =>
    new EtcdStore({ endpoints: [etcd.endpoint], ...files, username: 'calico', password: 's3cret', ...more });

  test('reads, writes and watches what it may', async () => {
    const store = open();
    const revision = await store.put('/calico/a', '1');
    const seen = new Promise((resolve) =>
      store.watch('/calico/', revision, { onEvents: (events) => events.length > 0 && resolve(events), onLost() {} }),
    );
    await store.put('/calico/b', '2');
    expect(await seen).toMatchObject([{ key: '/calico/b', value: '2' }]);
    await expect(store.get('/other')).rejects.toMatchObject({
      code: 'E_DATASTORE',
      hint: expect.stringContaining('ETCD_PASSWORD'),
    });
    await store.close();
  });

  test('an expired token is renewed, and a watch goes on meanwhile', async () => {
    const store = open();
    const revision = await store.put('/calico/a', '1');
    const seen: unknown[] = [];
    const onLost = (reason: string) => seen.push(reason);
    store.watch('/calico/', revision, { onEvents: (events) => seen.push(...events.map(({ value }) => value)), onLost });
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect((await store.get('/calico/a'))?.value).toBe('1');
    await store.put('/calico/a', '2');
    await expect.poll(() => seen).toEqual(['2']);
    await store.close();
  });

  test('a watch whose token has expired is lost, and the next one is not', async () => {
    const store = open();
    const revision = await store.put('/calico/a', '1');
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const outcome = () =>
      new Promise((resolve) => {
        store.watch('/calico/', String(Number(revision) - 1), { onEvents: () => resolve('events'), onLost: resolve });
      });
    expect(['disconnected', 'events']).toContain(await outcome());
    expect(await outcome()).toBe('events');
    await store.close();
  });

  test('a wrong password', async () => {
    const store = open({ password: 'wrong' });
    await expect(store.get('/calico/a')).rejects.toMatchObject({
      code: 'E_DATASTORE',
      hint: expect.stringContaining('ETCD_PASSWORD'),
    });
    await store.close();
  });

  test('a CA that did not sign', async () => {
    const store = open({ ca: files.cert });
    await expect(store.get('/calico/a')).rejects.toMatchObject({
      code: 'E_DATASTORE',
      hint: expect.stringContaining('ETCD_CA_CERT_FILE'),
    });
    await store.close();
  });

  test('a certificate for another address', async () => {
    const impostor = createTlsServer({ ...server, ALPNProtocols: ['h2'] }).listen(0, '127.0.0.2');
    await new Promise((resolve) => impostor.once('listening', resolve));
    const { port } = impostor.address() as { port: number };
    const store = open({ endpoints: [`https://127.0.0.2:${port}`] });
    await expect(store.get('/calico/a')).rejects.toMatchObject({
      message: expect.stringContaining("not in the cert's list"),
      hint: expect.stringContaining('ETCD_CA_CERT_FILE'),
    });
    await store.close();
    impostor.close();
  });
});

/** A CA, a server's and a client's certificate; resolves to the client's side as PEM. */
function certificates(directory: string): { ca: string; cert: string; key: string } {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' });
  const request = ['-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...request, '-subj', '/CN=test-ca', '-keyout', 'ca.key', '-out', 'ca.pem');
  for (const name of ['server', 'client']) {
    const names = ['-addext', 'subjectAltName=IP:127.0.0.1', '-addext', 'basicConstraints=CA:FALSE'];
    openssl(
      'req',
      '-x509',
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      ...request,
      '-subj',
      `/CN=${name}`,
      ...names,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
    );
  }
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  return { ca: read('ca.pem'), cert: read('client.pem'), key: read('client.key') };
}
