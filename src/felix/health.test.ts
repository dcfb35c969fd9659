import { createServer } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Health } from './health.ts';

let health: Health;
let base: string;
beforeEach(async () => {
  health = new Health(['datastore', 'dataplane']);
  const port = await freePort();
  await health.serve('127.0.0.1', port);
  base = `http://127.0.0.1:${port}`;
});
afterEach(() => health.close());

async function get(path: string): Promise<[number, string]> {
  const response = await fetch(base + path);
  return [response.status, await response.text()];
}

test('ready when every part is; withdrawn when one fails, given back when it recovers', async () => {
  expect((await get('/readiness'))[0]).toBe(503);
  health.report('datastore', true);
  expect(await get('/readiness')).toEqual([
    503,
    'datastore: live, ready\ndataplane: live, not ready: not started yet\n',
  ]);
  health.report('dataplane', true);
  expect(await get('/readiness')).toEqual([204, '']);
  health.report('dataplane', false, 'iptables-restore fails');
  expect((await get('/readiness'))[1]).toContain('dataplane: live, not ready: iptables-restore fails');
  health.report('dataplane', true, 'partly done');
  expect(await get('/readiness')).toEqual([204, '']);
  expect(await get('/readiness?verbose')).toEqual([
    200,
    expect.stringContaining('dataplane: live, ready: partly done'),
  ]);
  expect(await get('/liveness')).toEqual([204, '']);
  health.report('dataplane', true);
  expect(await get('/readiness')).toEqual([204, '']);
});

test('not alive while a part is stuck', async () => {
  let stuck: string | null = null;
  health.watch('dataplane', () => stuck);
  expect((await get('/liveness'))[0]).toBe(204);
  stuck = 'writing for 91 s';
  expect(await get('/liveness')).toEqual([
    503,
    expect.stringContaining('dataplane: not live, not ready: writing for 91 s; not started yet'),
  ]);
  stuck = null;
  expect((await get('/liveness'))[0]).toBe(204);
});

test('the parts are told to who asks, and nothing else is there', async () => {
  expect(await get('/liveness?verbose')).toEqual([
    200,
    'datastore: live, not ready: not started yet\ndataplane: live, not ready: not started yet\n',
  ]);
  expect((await get('/'))[0]).toBe(404);
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
