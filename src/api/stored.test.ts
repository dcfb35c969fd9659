import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { fromStored, KINDS, toStored, validate } from './index.ts';

const FOLDER = new URL('../../test/vectors/datastore/', import.meta.url);
const VERSION = 'v3.15.0';

interface Case {
  id: string;
  input: string;
  'v3.15.0': { exit: number; written: { key: string; value: Record<string, unknown> }[] };
}

const files = readdirSync(FOLDER).filter((file) => file.replace('.json', '') in KINDS);
const cases = files.flatMap((file) => JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as Case[]);
const created = cases.filter((c) => c[VERSION].exit === 0);

/** The value recorded for the resource itself, without what the datastore's client adds. */
function recorded({ id, ...c }: Case): string {
  const kind = id.slice(0, id.indexOf('/'));
  const { value } = c[VERSION].written.find(({ value }) => value.kind === kind) as { value: Record<string, unknown> };
  const { uid: _uid, creationTimestamp: _time, ...metadata } = value.metadata as Record<string, unknown>;
  return JSON.stringify({ ...value, metadata });
}

/** YAML 1.1, whose `y` is a boolean, is what upstream reads. */
const read = (text: string) => parse(text, { version: '1.1' });
const unescaped = (json: string) =>
  json
    .replace(/\\u003c/g, '<')
    .replace(/\\u003e/g, '>')
    .replace(/\\u0026/g, '&');

describe('what upstream writes', () => {
  test.each(created.map((c) => [c.id, c] as const))('%s', (_id, c) => {
    const resource = validate(read(c.input));
    const { uid: _, creationTimestamp: __, ...metadata } = resource.metadata;
    expect(unescaped(toStored({ ...resource, metadata }))).toBe(recorded(c));
  });
});

describe('stored resources', () => {
  test.each(created.map((c) => [c.id, c] as const))('%s is the same after reading and writing', (_id, c) => {
    expect(unescaped(toStored(fromStored(recorded(c))))).toBe(recorded(c));
  });

  test('unknown fields and big integers are kept', () => {
    const text =
      '{"kind":"IPPool","apiVersion":"projectcalico.org/v3","metadata":{"name":"p","ownerReferences":[{"b":1,"a":2}]},' +
      '"spec":{"cidr":"10.0.0.0/8","blockSize":12345678901234567890,"future":{"z":[1],"a":"\\u003c\\u0026"}},"extra":true}';
    const resource = fromStored(text);
    expect(resource.spec?.blockSize).toBe(12345678901234567890n);
    expect(toStored(resource)).toBe(text);
  });

  test("policies' names lose and gain their prefix, orchestrators' do not", () => {
    const stored = (name: string) =>
      `{"kind":"NetworkPolicy","apiVersion":"projectcalico.org/v3","metadata":{"name":"${name}","namespace":"a"},"spec":{}}`;
    expect(fromStored(stored('default.p')).metadata.name).toBe('p');
    expect(fromStored(stored('knp.default.p')).metadata.name).toBe('knp.default.p');
    for (const name of ['default.p', 'knp.default.p', 'security.p'])
      expect(toStored(fromStored(stored(name)))).toBe(stored(name));
  });

  test('text that is no resource is refused', () => {
    for (const text of ['', '{', '[]', '{"kind":"Node"}'])
      expect(() => fromStored(text)).toThrowError(expect.objectContaining({ code: 'E_DATASTORE' }));
  });
});
