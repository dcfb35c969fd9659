import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CalicoError } from '../errors/index.ts';
import { parseSelector, type Restriction, uniqueId } from './index.ts';

interface Case {
  expr: string;
  error?: string;
  canonical?: string;
  uid?: string;
  matches?: { labels: Record<string, string>; match: boolean }[];
  normalised?: string;
  restrictions?: Record<string, Restriction>;
}

function vectors<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(`../../test/vectors/selector/${file}`, import.meta.url), 'utf8')) as T;
}

function failure(text: string): CalicoError {
  try {
    parseSelector(text);
  } catch (error) {
    if (error instanceof CalicoError) return error;
    throw error;
  }
  throw new Error(`${text} parses`);
}

const cases = vectors<Case[]>('cases.json');

/** The recordings leave out an empty list of values. */
function recorded({ mustHaveOneOfValues: values, ...rest }: Restriction): Restriction {
  return values?.length ? { ...rest, mustHaveOneOfValues: values } : rest;
}

describe('recorded cases', () => {
  test.for(cases.filter((c) => c.error === undefined))('$expr', ({ expr, canonical, uid, matches, restrictions }) => {
    const selector = parseSelector(expr);
    expect(selector.canonical).toBe(canonical);
    expect(selector.uid).toBe(uid);
    for (const { labels, match } of matches ?? []) {
      expect(selector.evaluate((name) => labels[name])).toBe(match);
    }
    const found = [...selector.restrictions].map(([label, restriction]) => [label, recorded(restriction)]);
    expect(Object.fromEntries(found)).toEqual(restrictions ?? {});
  });

  test.for(cases.filter((c) => c.error !== undefined))('refused: $expr', ({ expr }) => {
    expect(failure(expr).code).toBe('E_SELECTOR');
  });

  test('the canonical text is a selector that matches the same', () => {
    for (const { canonical, matches } of cases) {
      for (const { labels, match } of matches ?? []) {
        expect(parseSelector(canonical!).evaluate((name) => labels[name])).toBe(match);
      }
    }
  });
});

describe('errors', () => {
  test.for([
    ['a =', 'expected an operator (==, !=, in, not in, contains, starts with, ends with) at character 3, found "="'],
    ['a == b', 'expected a value in quotes (\'…\' or "…") at character 6, found "b"'],
    ['a in {"b" "c"}', 'expected "}" at character 11, found "\\"c\\"}"'],
    ['has(a', 'expected ")" at character 6, found the end'],
    ['  has(a) has(b)', 'expected "&&", "||" or the end at character 8, found "has(b)"'],
    ['&&', 'expected a label, "has(", "all()", "(" or "!" at character 1, found "&&"'],
  ])('%s', ([text = '', message]) => {
    expect(failure(text).message).toBe(message);
  });

  test('parentheses nested beyond reason are an error, not a stack overflow', () => {
    expect(failure('('.repeat(100_000)).message).toContain('nested');
    expect(parseSelector(`${'('.repeat(200)}has(a)${')'.repeat(200)}`).canonical).toBe('has(a)');
    expect(parseSelector(`${'!'.repeat(100_001)}has(a)`).canonical).toBe('!has(a)');
  });
});

describe('unique ids', () => {
  test.for(vectors<{ 'v3.15.0': { prefix: string; content: string; id: string } }[]>('uniqueIDs.json'))(
    '%j',
    ({ 'v3.15.0': { prefix, content, id } }) => {
      expect(uniqueId(prefix, content)).toBe(id);
    },
  );

  const ruleSets = vectors<{ 'v3.15.0'?: { id: string; in: Record<string, string> } }[]>('ruleSets.json');
  test.for(ruleSets.flatMap((row) => row['v3.15.0'] ?? []))('set of %j', ({ id, in: { selector, protocol, port } }) => {
    const { uid } = parseSelector(selector!);
    expect(port === undefined ? uid : uniqueId('n', `${uid},${protocol},${port}`)).toBe(id);
  });
});

test('values sort by code point, as upstream sorts their bytes', () => {
  expect(parseSelector("a in {'\u{1F600}', '\uFF5E'}").canonical).toBe('a in {"\uFF5E", "\u{1F600}"}');
});

test('the restrictions and clauses hold in every match', () => {
  const parsed = cases.filter((c) => c.canonical).map((c) => parseSelector(c.expr));
  const label = fc.constantFrom('a', 'b', 'c', 'env', 'role', 'x.y/z-1', 'in', 'not', 'k8s-app', 'A_B');
  const value = fc.constantFrom('', 'a', 'b', 'prod', 'A', '&&', "it's", '"q"', '日本', 'a b', 'c', 'frontend');
  fc.assert(
    fc.property(fc.constantFrom(...parsed), fc.dictionary(label, value), (selector, labels) => {
      if (!selector.evaluate((name) => labels[name])) return;
      for (const [name, { mustBePresent, mustBeAbsent, mustHaveOneOfValues }] of selector.restrictions) {
        if (mustBePresent) expect(labels[name]).toBeDefined();
        if (mustBeAbsent) expect(labels[name]).toBeUndefined();
        if (mustHaveOneOfValues) expect(mustHaveOneOfValues).toContain(labels[name]);
      }
      for (const clause of selector.clauses) {
        const holds = clause.some((c) => (c.value === undefined ? c.label in labels : labels[c.label] === c.value));
        expect(holds).toBe(true);
      }
    }),
    { numRuns: 3000 },
  );
});

test('prefixed: every label, and nothing else', () => {
  const selector = parseSelector("!(a == 'a' || b in {'b'}) && has(c) && !has(d) && all() && e not in {'f'}");
  expect(selector.prefixed('p.').canonical).toBe(
    '(!(p.a == "a" || p.b in {"b"}) && has(p.c) && !has(p.d) && all() && p.e not in {"f"})',
  );
});
