import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { keepNodeName, nodeName } from './name.ts';

const directory = mkdtempSync(join(tmpdir(), 'node-name-'));
afterAll(() => rmSync(directory, { recursive: true }));
const CALICO_NODENAME_FILE = join(directory, 'a', 'nodename');

test('NODENAME, what was kept, HOSTNAME, the system’s name: in this order', () => {
  const env = { CALICO_NODENAME_FILE };
  expect(nodeName(env, 'System.Example')).toBe('system.example');
  expect(nodeName({ ...env, HOSTNAME: ' Host ' }, 'system')).toBe('host');
  keepNodeName(env, 'kept');
  expect(nodeName({ ...env, HOSTNAME: 'host' }, 'system')).toBe('kept');
  expect(nodeName({ ...env, HOSTNAME: 'host', NODENAME: ' Said' }, 'system')).toBe('Said');
});

test('where it cannot be kept', () => {
  expect(() => keepNodeName({ CALICO_NODENAME_FILE: join(CALICO_NODENAME_FILE, 'b') }, 'x')).toThrow(
    expect.objectContaining({ code: 'E_FILE' }),
  );
});

const HOSTS = JSON.parse(readFileSync(new URL('../../test/vectors/names/hostnames.json', import.meta.url), 'utf8')) as {
  'v3.15.0': { hostname: string; nodeName: string };
}[];

test.each(HOSTS.map((row) => row['v3.15.0']))('$hostname, as upstream', ({ hostname, nodeName: expected }) => {
  const env = { CALICO_NODENAME_FILE: join(directory, 'never') };
  expect(nodeName(env, hostname)).toBe(expected);
  expect(nodeName({ ...env, HOSTNAME: hostname }, 'system')).toBe(expected);
});
