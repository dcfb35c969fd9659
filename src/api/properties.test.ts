import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CalicoError } from '../errors/index.ts';
import { fromStored, KINDS, type Resource, toStored, validate } from './index.ts';
import { fieldsOf } from './shape.ts';

const kinds = fc.constantFrom(...Object.keys(KINDS));

/** Objects that have the schema's fields, and anything in them. */
function likeSchema(kind: string): fc.Arbitrary<unknown> {
  const spec = fieldsOf(KINDS[kind]?.schema as never).spec;
  const names = Object.keys(fieldsOf(spec as never));
  const leaf = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.constantFrom('10.0.0.0/8', 'fd00::1', 'all()', 'TCP', 'Always'),
  );
  const value = fc.oneof(
    leaf,
    fc.array(leaf, { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('action', 'source', 'nets', 'ports', 'a'), leaf),
  );
  return fc.dictionary(fc.constantFrom(...names, 'bogus'), value, { maxKeys: 6 });
}

const input = kinds.chain((kind) =>
  fc.record({
    apiVersion: fc.constant('projectcalico.org/v3'),
    kind: fc.constant(kind),
    metadata: fc.oneof(fc.record({ name: fc.constantFrom('a', 'b.c', 'X', '') }), fc.jsonValue()),
    spec: fc.oneof({ weight: 5, arbitrary: likeSchema(kind) }, fc.jsonValue()),
  }),
);

test('whatever is given, it is a resource or a CalicoError', () => {
  fc.assert(
    fc.property(fc.oneof(input, fc.jsonValue()), (value) => {
      const resource = accepted(value);
      if (resource) expect(validate(resource)).toEqual(resource);
    }),
    { numRuns: 2000, seed: 7 },
  );
});

test('what is stored reads back the same', () => {
  fc.assert(
    fc.property(input, (value) => {
      const resource = accepted(value);
      if (!resource) return;
      const text = toStored(resource);
      expect(fromStored(text)).toEqual(resource);
      expect(toStored(fromStored(text))).toBe(text);
    }),
    { numRuns: 2000, seed: 8 },
  );
});

function accepted(value: unknown): Resource | null {
  try {
    return validate(value);
  } catch (error) {
    expect(error).toBeInstanceOf(CalicoError);
    return null;
  }
}
