import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { internalAddresses } from './kubernetes.ts';

let server: Server;
let endpoint = '';
const asked: string[] = [];

beforeAll(async () => {
  server = createServer(({ url, headers }, response) => {
    asked.push(`${url} ${headers.authorization}`);
    if (url?.endsWith('/broken')) return response.end('<html>');
    if (!url?.endsWith('/k1')) return response.writeHead(404).end('{}');
    const addresses = [
      { type: 'Hostname', address: 'k1' },
      { type: 'ExternalIP', address: '203.0.113.1' },
      { type: 'InternalIP', address: '10.0.0.1' },
      { type: 'InternalIP', address: 'FD00::0:1' },
    ];
    response.end(JSON.stringify({ kind: 'Node', status: { addresses } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

test('the internal addresses of the Kubernetes Node', async () => {
  expect(await internalAddresses({ K8S_API_ENDPOINT: endpoint, K8S_API_TOKEN: 'secret' }, 'k1')).toEqual([
    '10.0.0.1',
    'fd00::1',
  ]);
  expect(asked).toEqual(['/api/v1/nodes/k1 Bearer secret']);
});

test.each([
  ['E_NOT_FOUND', 'there is no such node', () => ({ K8S_API_ENDPOINT: endpoint }), 'k2'],
  ['E_NOT_FOUND', 'what answers is not Kubernetes', () => ({ K8S_API_ENDPOINT: endpoint }), 'broken'],
  ['E_NOT_FOUND', 'nobody answers', () => ({ K8S_API_ENDPOINT: 'http://127.0.0.1:1' }), 'k1'],
  ['E_CONFIG', 'this is not Kubernetes', () => ({}), 'k1'],
])('%s: %s', async (code, _, env, node) => {
  await expect(internalAddresses(env(), node)).rejects.toMatchObject({ code });
});
