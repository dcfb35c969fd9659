/** calicoctl as people run it: the bundled program, an etcd, files, pipes. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Etcd, ready } from './datastore-etcd.ts';

const CALICOCTL = fileURLToPath(new URL('../../bin/calicoctl', import.meta.url));
const POOL = 'apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: {name: p}\nspec: {cidr: 10.0.0.0/16}\n';
/** Long beyond the five seconds after which calicoctl gives up on an etcd. */
const PATIENCE_MS = 15_000;

interface Done {
  status: number | null;
  stdout: string;
  stderr: string;
}

function run(args: string[], env: Record<string, string> = {}, stdin = '', command = CALICOCTL): Promise<Done> {
  const child = spawn(command, args, { env: { PATH: process.env.PATH ?? '', ...env }, timeout: PATIENCE_MS });
  const done = { status: null as number | null, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    done.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    done.stderr += chunk;
  });
  child.stdin.on('error', () => {}); // a program that fails early does not read it
  child.stdin.end(stdin);
  return new Promise((resolve) => child.on('close', (status) => resolve({ ...done, status })));
}

test('--help and an empty command line', async () => {
  const help = await run(['--help']);
  expect([help.status, help.stderr]).toEqual([0, '']);
  for (const command of ['create', 'apply', 'replace', 'delete', 'get', 'patch', 'version', 'explain'])
    expect(help.stdout).toContain(command);
  const nothing = await run([]);
  expect([nothing.status, nothing.stderr.startsWith('E_USAGE calicoctl')]).toEqual([1, true]);
});

describe('with an etcd', () => {
  const etcd = new Etcd();
  let env: Record<string, string>;
  beforeAll(async () => {
    await etcd.start();
    await ready(etcd);
    env = { ETCD_ENDPOINTS: etcd.endpoint };
  });
  afterAll(() => etcd.remove());

  test('a resource from standard input, and back', async () => {
    expect(await run(['create', '-f', '-'], env, POOL)).toEqual({
      status: 0,
      stdout: "Successfully created 1 'IPPool' resource(s)\n",
      stderr: '',
    });
    const shown = await run(['get', 'ippool', 'p', '-o', 'json'], env);
    expect(JSON.parse(shown.stdout).spec).toEqual({
      cidr: '10.0.0.0/16',
      vxlanMode: 'Never',
      ipipMode: 'Never',
      blockSize: 26,
      nodeSelector: 'all()',
    });
    const again = await run(['create', '-f', '-'], env, POOL);
    expect([again.status, again.stdout]).toEqual([1, '']);
    expect(again.stderr).toMatch(/^E_EXISTS IPPool p: .*\n$/);
  });

  test('the configuration file', async () => {
    const file = join(etcd.directory, 'calicoctl.cfg');
    writeFileSync(
      file,
      `apiVersion: projectcalico.org/v3\nkind: CalicoAPIConfig\nspec:\n  etcdEndpoints: ${etcd.endpoint}\n`,
    );
    expect((await run(['get', 'nodes', '-c', file])).stdout).toMatch(/^NAME/);
  });

  test('a file with one bad resource in it writes none of them', async () => {
    const input = `${POOL.replace('p}', 'q}').replace('10.0', '10.9')}---\n${POOL.replace('p}', 'r}').replace('10.0.0.0/16', 'bad')}`;
    const done = await run(['apply', '-f', '-'], env, input);
    expect([done.status, done.stdout]).toEqual([1, '']);
    expect(done.stderr).toMatch(/^E_INVALID IPPool r: spec\.cidr: found 'bad', .*\n$/);
    expect((await run(['get', 'ippool', 'q'], env)).stderr).toMatch(/^E_NOT_FOUND IPPool q/);
  });

  test('a reader that stops early is no error', async () => {
    const done = await run(
      ['--norc', '-c', `set -o pipefail; ${CALICOCTL} get ippool -o yaml | true`],
      env,
      '',
      'bash',
    );
    expect([done.status, done.stdout, done.stderr]).toEqual([0, '', '']);
  });
});

describe('an etcd that', () => {
  let silent: Server;
  beforeAll(() => {
    silent = createServer(() => {}).listen(0, '127.0.0.1');
    return new Promise<void>((resolve) => silent.once('listening', () => resolve()));
  });
  afterAll(() => void silent.close());

  test.each([
    ['is not there', () => 'http://127.0.0.1:1'],
    ['says nothing', () => `http://127.0.0.1:${(silent.address() as { port: number }).port}`],
    ['has no address', () => 'not a url'],
  ])('%s: one error, before anybody gives up waiting', async (_name, endpoint) => {
    const done = await run(['get', 'nodes'], { ETCD_ENDPOINTS: endpoint() });
    expect([done.status, done.stdout]).toEqual([1, '']);
    expect(done.stderr).toMatch(/^E_(DATASTORE|CONFIG) .*\n$/);
  });
});
