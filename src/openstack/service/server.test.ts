import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CalicoError } from '../../errors/index.ts';
import { serve } from './server.ts';

const directory = mkdtempSync(join(tmpdir(), 'calico-service-'));
const socketPath = join(directory, 'run', 'service.sock');
let server: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  server = await serve(socketPath, {
    'POST /echo': async ({ body, query }) => ({ body, a: query.get('a') }),
    'GET /nothing': async () => undefined,
    'GET /invalid': async () => {
      throw new CalicoError('E_INVALID', 'x', 'is wrong');
    },
    'GET /away': async () => {
      throw new CalicoError('E_DATASTORE', 'etcd', 'is away');
    },
  });
});
afterAll(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

function ask(method: string, path: string, body?: string): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, method, path }, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode, text });
    });
    asked.on('error', reject).end(body);
  });
}

test("the socket is its owner's only", () => {
  expect(statSync(socketPath).mode & 0o777).toBe(0o600);
});

test('another service does not take its place', async () => {
  await expect(serve(socketPath, {})).rejects.toThrow('another service');
});

test.each([
  ['POST', '/echo?a=b', '{"x":1}', 200, '{"body":{"x":1},"a":"b"}'],
  ['GET', '/nothing', undefined, 204, ''],
  ['POST', '/echo', '{', 400, expect.stringContaining('not JSON')],
  ['GET', '/invalid', undefined, 400, expect.stringContaining('E_INVALID')],
  ['GET', '/away', undefined, 503, expect.stringContaining('E_DATASTORE')],
  ['GET', '/constructor', undefined, 404, expect.any(String)],
])('%s %s', async (method, path, body, status, text) => {
  expect(await ask(method, path, body)).toEqual({ status, text });
});
