/** Hunks that `patch` would take. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { unifiedDiff } from './unified-diff.ts';

const lines = (...text: string[]) => text.map((line) => `${line}\n`).join('');

test('changes far from each other are hunks of their own', () => {
  const before = lines('1', '2', '3', '4', '5', '6', '7', '8', '9', '10');
  const after = lines('one', '2', '3', '4', '5', '6', '7', '8', '9');
  expect(unifiedDiff(before, after)).toEqual([
    '@@ -1,4 +1,4 @@',
    '-1',
    '+one',
    ' 2',
    ' 3',
    ' 4',
    '@@ -7,4 +7,3 @@',
    ' 7',
    ' 8',
    ' 9',
    '-10',
  ]);
  expect(unifiedDiff(before, before)).toEqual([]);
  expect(unifiedDiff('', lines('a'))).toEqual(['@@ -0,0 +1,1 @@', '+a']);
});

/** What `patch` does with the hunks. */
function patched(before: readonly string[], diff: readonly string[]): string[] {
  const result: string[] = [];
  let next = 0;
  for (const line of diff) {
    const header = /^@@ -(\d+),(\d+)/.exec(line);
    if (header) {
      const start = Number(header[1]) - (header[2] === '0' ? 0 : 1);
      result.push(...before.slice(next, start));
      next = start;
    } else if (line.startsWith('+')) result.push(line.slice(1));
    else {
      expect(line.slice(1)).toBe(before[next]);
      if (line.startsWith(' ')) result.push(line.slice(1));
      next++;
    }
  }
  return [...result, ...before.slice(next)];
}

test('what it says leads from one text to the other', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 30 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(patched(a, unifiedDiff(lines(...a), lines(...b)))).toEqual(b);
    }),
  );
});
