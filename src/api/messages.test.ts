import { describe, expect, test } from 'vitest';
import { CalicoError } from '../errors/index.ts';
import { validate } from './index.ts';

const pool = (spec: object, metadata: object = { name: 'p' }) => ({
  apiVersion: 'projectcalico.org/v3',
  kind: 'IPPool',
  metadata,
  spec,
});
const policy = (spec: object) => ({
  apiVersion: 'projectcalico.org/v3',
  kind: 'NetworkPolicy',
  metadata: { name: 'p', namespace: 'a' },
  spec,
});

function problemOf(input: unknown): CalicoError {
  try {
    validate(input);
  } catch (error) {
    if (error instanceof CalicoError) return error;
    throw error;
  }
  throw new Error('accepted');
}

test('an unknown kind: what was meant', () => {
  const { code, hint } = problemOf({ apiVersion: 'projectcalico.org/v3', kind: 'NetworkPolice' });
  expect([code, hint]).toEqual(['E_UNKNOWN_KIND', 'did you mean NetworkPolicy?']);
});

describe('messages name the field, what was found and what was expected', () => {
  test.each([
    [
      pool({ cidr: '10.0.0.0/16', blocksize: 26, natOutGoing: true, blokSize: 1 }),
      'spec.blokSize: no such field; did you mean blockSize?',
    ],
    [pool({ cidr: '10.0.0.0/16', labels: {} }), 'spec.labels: no such field; it belongs in metadata'],
    [
      pool({ cidr: '10.0.0.0/16', ipipMode: 'always' }),
      "spec.ipipMode: found 'always', expected one of Never, Always, CrossSubnet; did you mean Always?",
    ],
    [pool({ cidr: '10.0.0.0/16', blockSize: '26' }), "spec.blockSize: found '26', expected a number"],
    [pool({ cidr: '10.0.0.0/16', natOutgoing: 'yes' }), "spec.natOutgoing: found 'yes', expected true or false"],
    [
      policy({ ingress: [{ action: 'Allow', protocol: 'tcp' }] }),
      "spec.ingress[0].protocol: found 'tcp', must be one of TCP",
    ],
    [
      policy({ ingress: [{ action: 'Allow', source: { nets: ['10.0.0.1/8'] } }] }),
      "spec.ingress[0].source.nets[0]: found '10.0.0.1/8', must have no host bits set: 10.0.0.0/8",
    ],
    [policy({ selector: "a == 'b" }), "spec.selector: found 'a == 'b', must be a selector:"],
  ])('%#', (input, expected) => {
    expect(problemOf(input).message).toContain(expected);
  });
});

test('all problems of an object at once', () => {
  const { message } = problemOf(policy({ selector: '(', order: 'x', ingress: [{ action: 'Reject' }], bogus: 1 }));
  for (const field of ['spec.selector', 'spec.order', 'spec.ingress[0].action', 'spec.bogus'])
    expect(message).toContain(field);
});

test('names of JavaScript are no fields', () => {
  for (const key of ['constructor', '__proto__', 'toString']) {
    const input = JSON.parse(
      `{"apiVersion":"projectcalico.org/v3","kind":"IPPool","metadata":{"name":"p"},"spec":{"cidr":"10.0.0.0/16","${key}":{"a":1}}}`,
    );
    expect(problemOf(input).message).toContain(key);
    expect(problemOf({ apiVersion: 'projectcalico.org/v3', kind: key }).code).toBe('E_UNKNOWN_KIND');
  }
});
