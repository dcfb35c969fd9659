/** What a file would change, shown and not written; and a file that is written as a whole or not at all. */
import { beforeEach, expect, test } from 'vitest';
import { type Terminal, terminal } from '../testing/terminal.ts';

const set = (name: string, net: string) =>
  `apiVersion: projectcalico.org/v3\nkind: GlobalNetworkSet\nmetadata: {name: ${name}}\nspec: {nets: [${net}]}\n---\n`;
const POOL =
  'apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: {name: pool}\nspec: {cidr: 10.0.0.0/16, vxlanMode: Always}\n---\n';

let at: Terminal;
beforeEach(async () => {
  at = terminal();
  await at.call(['create', '-f', '-'], set('a', '10.0.0.0/8'));
});

async function unchanged(work: () => Promise<unknown>): Promise<void> {
  const before = await at.store.list('/');
  await work();
  expect(await at.store.list('/')).toEqual(before);
}

test('diff shows what apply would change, with what changes beside it', async () => {
  await unchanged(async () => {
    const { exit, out } = await at.call(['diff', '-f', '-'], set('a', '10.0.0.0/9') + set('b', '10.0.0.0/8') + POOL);
    expect(exit).toBe(1);
    expect(out).toBe(`--- GlobalNetworkSet a, in the datastore
+++ GlobalNetworkSet a, applied
@@ -4,4 +4,4 @@
   name: a
 spec:
   nets:
-  - 10.0.0.0/8
+  - 10.0.0.0/9
--- /dev/null
+++ GlobalNetworkSet b, applied
@@ -0,0 +1,7 @@
+apiVersion: projectcalico.org/v3
+kind: GlobalNetworkSet
+metadata:
+  name: b
+spec:
+  nets:
+  - 10.0.0.0/8
--- /dev/null
+++ FelixConfiguration default, applied
@@ -0,0 +1,7 @@
+apiVersion: projectcalico.org/v3
+kind: FelixConfiguration
+metadata:
+  name: default
+spec:
+  bpfLogLevel: ""
+  vxlanEnabled: true
--- /dev/null
+++ IPPool pool, applied
@@ -0,0 +1,10 @@
+apiVersion: projectcalico.org/v3
+kind: IPPool
+metadata:
+  name: pool
+spec:
+  blockSize: 26
+  cidr: 10.0.0.0/16
+  ipipMode: Never
+  nodeSelector: all()
+  vxlanMode: Always
`);
  });
});

test('diff: 0 when nothing would change, 2 when the file is wrong', async () => {
  expect(await at.call(['diff', '-f', '-'], set('a', '10.0.0.0/8'))).toEqual({ exit: 0, out: '' });
  const wrong = await at.call(['diff', '-f', '-'], set('a', 'nonsense'));
  expect(wrong.exit).toBe(2);
  expect(wrong.out).toMatch(/^E_INVALID GlobalNetworkSet a: spec\.nets\[0\]/);
});

test('a dry run says what would become of each resource', async () => {
  await unchanged(async () => {
    const file = set('a', '10.0.0.0/9') + set('b', '10.0.0.0/8');
    expect(await at.call(['apply', '-f', '-', '--dry-run=server'], file)).toEqual({
      exit: 0,
      out: 'GlobalNetworkSet a would be changed\nGlobalNetworkSet b would be created\nDry run: 2 of 2 resource(s) can be applied; nothing is written\n',
    });
    expect(await at.call(['apply', '-f', '-', '--dry-run=client'], file)).toEqual({
      exit: 0,
      out: 'Dry run: 2 of 2 resource(s) can be applied; the datastore was not asked\n',
    });
    const refused = await at.call(['create', '-f', '-', '--dry-run=server'], file);
    expect(refused.exit).toBe(1);
    expect(refused.out).toContain('E_EXISTS GlobalNetworkSet a: exists already');
  });
});

test('what one resource of the file needs of another before it is there', async () => {
  const overlapping = POOL.replace('pool}', 'other}');
  await unchanged(async () => {
    const { exit, out } = await at.call(['apply', '-f', '-', '--dry-run=server'], POOL + overlapping);
    expect(exit).toBe(1);
    expect(out).toMatch(/E_INVALID IPPool other: spec.cidr 10.0.0.0\/16 overlaps/);
  });
});

test('--atomic: all, or nothing', async () => {
  await unchanged(async () => {
    const { exit, out } = await at.call(
      ['create', '-f', '-', '--atomic'],
      set('b', '10.0.0.0/8') + set('a', '10.0.0.0/9'),
    );
    expect([exit, out]).toEqual([1, 'E_EXISTS GlobalNetworkSet a: exists already\n']);
  });
  const { revision } = await at.store.list('/');
  const file = set('b', '10.0.0.0/8') + set('a', '10.0.0.0/9') + POOL;
  expect(await at.call(['apply', '-f', '-', '--atomic'], file)).toEqual({
    exit: 0,
    out: 'Successfully applied 3 resource(s)\n',
  });
  expect(Number((await at.store.list('/')).revision)).toBe(Number(revision) + 1);
  expect((await at.call(['get', 'gns', '-o', 'wide'])).out).toBe(
    'NAME   NETS         \na      10.0.0.0/9   \nb      10.0.0.0/8   \n\n',
  );
});
