import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { configFromEnvironment } from './config.ts';
import { connect } from './connect.ts';

test.each([
  [{}, 'E_CONFIG', 'etcdEndpoints'],
  [{ ETCD_ENDPOINTS: 'not a url' }, 'E_CONFIG', 'etcdEndpoints'],
  [{ ETCD_DISCOVERY_SRV: 'example.com' }, 'E_CONFIG', 'etcdDiscoverySrv'],
  [{ DATASTORE_TYPE: 'bogus' }, 'E_CONFIG', 'datastoreType'],
  [
    { ETCD_ENDPOINTS: 'https://127.0.0.1:1', ETCD_CA_CERT_FILE: '/nonexistent/ca.pem' },
    'E_FILE',
    '/nonexistent/ca.pem',
  ],
])('%j: one clear error', async (env, code, subject) => {
  await expect(connect(configFromEnvironment(env))).rejects.toMatchObject({ code, subject, hint: expect.any(String) });
});

test('gRPC is not loaded before somebody connects', () => {
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
    await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)});
    console.log(loaded.some((url) => url.includes('/datastore/client.ts')), loaded.filter((url) => url.includes('grpc')).length);
  `;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(output.trim()).toBe('true 0');
});

test('closing ends what waits for an etcd that takes connections and says nothing', { timeout: 3_000 }, async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  try {
    const config = configFromEnvironment({ ETCD_ENDPOINTS: `http://127.0.0.1:${port}` });
    const client = await connect(config);
    const listing = expect(client.list('Node')).rejects.toMatchObject({ code: 'E_DATASTORE' });
    await once(silent, 'connection');
    await client.close();
    await listing;
  } finally {
    silent.close();
  }
});
