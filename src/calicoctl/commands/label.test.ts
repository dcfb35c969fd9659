/** label: what it prints, as upstream's, and what it does to the resource. */
import { beforeEach, expect, test } from 'vitest';
import { type Terminal, terminal } from '../testing/terminal.ts';

const NODE = 'apiVersion: projectcalico.org/v3\nkind: Node\nmetadata: {name: n1, labels: {rack: a}}\n';
let at: Terminal;
beforeEach(async () => {
  at = terminal();
  await at.call(['create', '-f', '-'], NODE);
});

async function labels(): Promise<unknown> {
  return JSON.parse((await at.call(['get', 'node', 'n1', '-o', 'json'])).out).metadata.labels;
}

test('sets one', async () => {
  expect(await at.call(['label', 'nodes', 'n1', 'zone=b'])).toEqual({
    exit: 0,
    out: 'Successfully set label zone on nodes n1\n',
  });
  expect(await labels()).toEqual({ rack: 'a', zone: 'b' });
});

test('replaces a value only when asked to', async () => {
  const refused = await at.call(['label', 'node', 'n1', 'rack=b']);
  expect(refused.exit).toBe(1);
  expect(refused.out).toBe(
    "E_EXISTS label rack of Node n1: exists already: its value is 'a' (--overwrite replaces it)\n",
  );
  expect(await at.call(['label', 'node', 'n1', 'rack=b', '--overwrite'])).toEqual({
    exit: 0,
    out: 'Successfully updated label rack on node n1\n',
  });
  expect(await labels()).toEqual({ rack: 'b' });
});

test('the value that it has already is no error', async () => {
  expect((await at.call(['label', 'node', 'n1', 'rack=a'])).out).toBe('Successfully updated label rack on node n1\n');
});

test('removes one', async () => {
  expect(await at.call(['label', 'node', 'n1', 'rack', '--remove'])).toEqual({
    exit: 0,
    out: 'Successfully removed label rack from node n1\n',
  });
  expect(await labels()).toBeUndefined();
  expect((await at.call(['label', 'node', 'n1', 'rack', '--remove'])).exit).toBe(1);
});

test.each([
  [['label', 'node', 'n1', 'rack'], 'E_USAGE'],
  [['label', 'node', 'n1', 'a=b=c'], 'E_USAGE'],
  [['label', 'node', 'n1', 'a=b', '--overwrite', '--remove'], 'E_USAGE'],
  [['label', 'node', 'n2', 'a=b'], 'E_NOT_FOUND'],
  [['label', 'node', 'n1', 'a=not a value'], 'E_INVALID'],
  [['label', 'nude', 'n1', 'a=b'], 'E_UNKNOWN_KIND'],
  [['label', 'node', 'n1', 'a=b', '-n', 'x'], 'E_USAGE'],
])('%j', async (argv, code) => {
  const { exit, out } = await at.call(argv);
  expect(exit).toBe(1);
  expect(out).toMatch(new RegExp(`^${code} .*\n$`));
  expect(await labels()).toEqual({ rack: 'a' });
});

test('a label is one that the resource has, not one that any object has', async () => {
  expect((await at.call(['label', 'nodes', 'n1', 'constructor', '--remove'])).out).toContain('E_NOT_FOUND');
  expect((await at.call(['label', 'nodes', 'n1', 'constructor=x'])).exit).toBe(0);
  expect(await labels()).toEqual({ constructor: 'x', rack: 'a' });
});
