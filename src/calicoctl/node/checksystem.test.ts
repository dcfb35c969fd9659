import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { terminal } from '../testing/terminal.ts';
import { FEATURES } from './kernel-features.ts';

const directory = mkdtempSync(join(tmpdir(), 'checksystem-'));
afterAll(() => rmSync(directory, { recursive: true }));

function check(options: readonly string[]) {
  const file = join(directory, 'config');
  writeFileSync(file, options.map((option) => `CONFIG_${option}\n`).join(''));
  return terminal().call(['node', 'checksystem', '--kernel-config', file]);
}

test('a kernel that has what is needed', async () => {
  const needed = FEATURES.filter(({ only }) => !only);
  const { exit, out } = await check(needed.map(({ option }, i) => `${option}=${i % 2 ? 'm' : 'y'}`));
  expect(exit).toBe(0);
  expect(out).toMatch(/\tvxlan +\t+not there: no pools with VXLAN\n/);
  expect(out).toMatch(/\txt_set +\t+OK\n/);
});

test('one that lacks something', async () => {
  const { exit, out } = await check(
    FEATURES.filter(({ name }) => name !== 'xt_set').map(({ option }) => `${option}=y`),
  );
  expect(exit).toBe(1);
  expect(out).toMatch(/\txt_set +\t+missing\n/);
  expect(out).toMatch(/\nE_KERNEL \S+: lacks xt_set /);
  expect(out).not.toContain('can be a node');
});
