import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readState } from './client.ts';
import { formatState } from './format.ts';
import { StateServer } from './server.ts';
import { differencesOf, type Summary, type TableState } from './snapshot.ts';

const SUMMARY: Summary = {
  ...{ host: 'h1', time: 'now', started: 'then', inSync: true, health: ['dataplane: live, ready'], configRefused: [] },
  endpoints: [{ endpoint: 'WorkloadEndpoint default/w', state: 'error', problems: ['policy p: rule 2 is refused'] }],
  ...{ invalidResources: [], rounds: [], longestTurn: 0.01 },
};
const ROUTES = {
  table: 'routes',
  desired: { a: 'link cali1', b: 'link cali2' },
  actual: { b: 'link cali3', c: 'link cali4', d: 'link cali5' },
  problems: { a: 'no such device' },
};
const TABLE: TableState = { ...ROUTES, differences: differencesOf(ROUTES) };

let directory: string;
let path: string;
let server: StateServer;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'calico-state-'));
  path = join(directory, 'run', 'felix.sock');
  server = new StateServer(
    { summary: () => SUMMARY, tables: (full) => [{ ...TABLE, table: full ? 'full' : 'routes' }] },
    path,
  );
});
afterEach(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

test('what is not desired, not there, or another differs', () => {
  expect(TABLE.differences).toEqual(['a', 'b', 'c', 'd']);
  expect(differencesOf({ ...ROUTES, actual: ROUTES.desired })).toEqual([]);
});

test('tells root alone, and takes its socket with it', async () => {
  await server.serve();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await readState(path, false)).toEqual({ ...SUMMARY, tables: [TABLE] });
  expect((await readState(path, true)).tables[0]?.table).toBe('full');
  server.close();
  expect(existsSync(path)).toBe(false);
  await expect(readState(path, false)).rejects.toMatchObject({ code: 'E_NOT_FOUND', subject: path });
});

test('replaces a stale socket, but not one that is listened on', async () => {
  await server.serve();
  const second = new StateServer({ summary: () => SUMMARY, tables: () => [] }, path);
  await expect(second.serve()).rejects.toMatchObject({ code: 'E_FILE' });
  second.close();
  expect((await readState(path, false)).tables).toHaveLength(1);
  server.close();
  writeFileSync(path, '');
  await second.serve();
  expect((await readState(path, false)).tables).toEqual([]);
  second.close();
});

test('writes the same to a file', async () => {
  await server.serve();
  const lines = readFileSync(await server.write(), 'utf8')
    .trimEnd()
    .split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual([SUMMARY, { ...TABLE, table: 'full' }]);
});

test('for people: what is wrong is named; a table on demand, with what comes and what goes', () => {
  const state = { ...SUMMARY, tables: [TABLE] };
  const text = formatState(state);
  expect(text).toContain('WorkloadEndpoint default/w: policy p: rule 2 is refused');
  expect(text).toContain('routes  2 desired, 3 there, 4 differ');
  expect(text).toContain('a: no such device');
  expect(formatState(state, 'rout').split('\n')).toEqual([
    ...['routes:', '+ a  link cali1', '! no such device', '- b  link cali3', '+ b  link cali2'],
    ...['- c  link cali4', '- d  link cali5', ''],
  ]);
});
