import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RuleHashes } from './rule-hash.ts';

/** The definition, plainly. */
function plain(chain: string, rules: readonly string[]): string[] {
  let previous = createHash('sha224').update(chain).digest();
  return rules.map((rule) => {
    previous = createHash('sha224').update(previous).update(`-A ${chain} HASH ${rule}`).digest();
    return previous.toString('base64url').slice(0, 16);
  });
}

test('whatever the text, and however long', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.nat(5000).map((length) => 'ü'.repeat(length)),
  );
  fc.assert(
    fc.property(text, fc.array(text, { maxLength: 5 }), (chain, rules) => {
      const hashes = new RuleHashes(chain);
      expect(rules.map((rule) => hashes.next(rule))).toEqual(plain(chain, rules));
    }),
    { numRuns: 200, seed: 1 },
  );
});

test('chains may be hashed by turns', () => {
  const [a, b] = [new RuleHashes('a'), new RuleHashes('b')];
  const turns = ['1', '2', '3'].map((rule) => [a.next(rule), b.next(rule)]);
  expect(turns.map(([hash]) => hash)).toEqual(plain('a', ['1', '2', '3']));
  expect(turns.map(([, hash]) => hash)).toEqual(plain('b', ['1', '2', '3']));
});
