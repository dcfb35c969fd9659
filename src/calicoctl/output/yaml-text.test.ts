/** The same text as the library's, which knows all of YAML. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { parseObjects } from '../yaml-objects.ts';
import { yamlText } from './yaml-text.ts';

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, field]) => [key, sorted(field)]));
}

const library = (value: unknown) =>
  stringify(sorted(value), { schema: 'yaml-1.1', lineWidth: 0, indentSeq: false, aliasDuplicateObjects: false });

const word = fc.oneof(
  fc.constantFrom(
    'y',
    'No',
    'on',
    'null',
    '~',
    '',
    'all()',
    "a == 'b'",
    '10',
    '1e3',
    '0x10',
    '1:30',
    '2020-01-01',
    'TCP',
    'a b',
    '- a',
    'a: b',
    '#',
    '10.0.0.0/8',
    'fd00::/8',
    '1_000',
    '.5',
    '.inf',
    '.NaN',
    '<nil>',
    '=',
    '@x',
    '%',
    '*a',
    '&a',
    '!x',
    'a\tb',
    ' a',
    'a ',
    'é',
    '64512',
    '+1',
    '_',
    '/',
    '...',
    '---',
  ),
  fc.string(),
  fc.stringMatching(/^[a-c \n]{0,12}$/),
);
const value = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, word, fc.integer(), fc.boolean(), fc.constant(null), tie('list'), tie('map')),
  list: fc.array(tie('value'), { maxLength: 4 }),
  map: fc.dictionary(word, tie('value'), { maxKeys: 4 }),
})).value;

test('what it writes is read as it was', () => {
  fc.assert(
    fc.property(value, (value) => {
      expect(parseObjects(yamlText({ value }), 'x')).toEqual([{ value }]);
    }),
  );
});

test.each([
  [{ b: 1, a: { d: [], c: {} } }],
  [[{ a: 1, b: [1, [2, 3]] }, [], 'x']],
  [{ n: 'y', annotation: '{"a":1}', order: 1000.5, big: 12345678901234567890n }],
  [{ a: ['10.0.0.0/8', "role == 'db'", 'projectcalico.org/v3', '80:90', 'all()', '64512', '1.10'] }],
  [null],
  ['text'],
  [{ a: undefined }],
])('as the library writes it, %#', (value) => {
  expect(yamlText(value)).toBe(library(value));
});

test('texts of several lines keep them', () => {
  const text = { spec: { list: [{ a: 'one\ntwo\n' }], b: '  x\ny' } };
  expect(parse(yamlText(text))).toEqual(text);
});

test('what is a command to a terminal is escaped', () => {
  expect(yamlText({ a: '\u009b31m', b: '\u001b[31m', c: 'x\u007f"' })).toBe(
    'a: "\\x9B31m"\nb: "\\e[31m"\nc: "x\\x7F\\""\n',
  );
});
