/** What explain-schema says, of every kind. */
import { expect, test } from 'vitest';
import { KINDS } from '../api/index.ts';
import { terminal } from './testing/terminal.ts';

const explain = (path: string) => terminal().call(['explain-schema', path]);

test('a field: its type, and what it expects', async () => {
  expect(await explain('gnp.spec.ingress.action')).toEqual({
    exit: 0,
    out: 'GlobalNetworkPolicy.spec.ingress.action: word: required; Allow, Deny, Log, Pass\n',
  });
});

test('an object: its fields', async () => {
  const { out } = await explain('hostendpoints.spec');
  expect(out).toMatch(/^HostEndpoint\.spec: object\n\n {2}node +text +must be /);
  expect(out).toMatch(/^ {2}expectedIPs +list of texts +must be an IP address$/m);
});

test('what is not there, with the near miss', async () => {
  expect(await explain('gnp.spec.odrer')).toEqual({
    exit: 1,
    out: "E_USAGE GlobalNetworkPolicy.spec: has no field 'odrer' (did you mean order?)\n",
  });
});

test('a field that only objects of JavaScript have', async () => {
  expect((await explain('node.constructor')).out).toContain("E_USAGE Node: has no field 'constructor'");
});

test.each(
  Object.values(KINDS)
    .filter(({ keeper }) => !keeper)
    .map(({ kind }) => kind),
)('%s has a spec with fields', async (kind) => {
  const { exit, out } = await explain(`${kind}.spec`);
  expect(exit).toBe(0);
  expect(out).not.toMatch(/undefined|\[object|u0000/);
  expect(out.split('\n').length).toBeGreaterThan(2);
});
