/** What a patch does to the fields of a resource. */
import { expect, test } from 'vitest';
import { merge } from './merge.ts';

test.each([
  [
    'fields are merged, lists replaced',
    { a: { x: 1, y: [1, 2] } },
    { a: { y: [3] }, b: 2 },
    { a: { x: 1, y: [3] }, b: 2 },
  ],
  ['null removes', { a: { x: 1, y: 2 } }, { a: { x: null } }, { a: { y: 2 } }],
  ['null in what is new stays, for the schema to read', { a: 1 }, { b: { x: null } }, { a: 1, b: { x: null } }],
  ['$patch: replace', { a: { x: 1, y: 2 } }, { a: { $patch: 'replace', z: 3 } }, { a: { z: 3 } }],
  ['$patch: delete', { a: { x: 1 }, b: 1 }, { a: { $patch: 'delete' } }, { a: {}, b: 1 }],
  [
    '$deleteFromPrimitiveList',
    { nets: ['a', 'b', 'c'] },
    { '$deleteFromPrimitiveList/nets': ['b'] },
    { nets: ['a', 'c'] },
  ],
])('%s', (_, current, change, expected) => {
  expect(merge(current, change)).toEqual(expected);
});
