import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CalicoError } from '../errors/index.ts';
import { validate } from './index.ts';

/**
 * Recorded verdicts of upstream's calicoctl. Where v3.15 does not know a field, v3.34-dev's verdict counts; where the
 * two differ in what they refuse, either is right.
 */
const FOLDER = new URL('../../test/vectors/validation/', import.meta.url);
const GAPS = JSON.parse(readFileSync(new URL('gaps.json', import.meta.url), 'utf8')) as {
  input: unknown;
  why: string;
}[];
const UNKNOWN_FIELD = /not recognized/;

interface Verdict {
  accepted: boolean;
  stderr?: string;
}

interface Case {
  kind: string;
  field: string;
  input: unknown;
  'v3.15.0': Verdict;
  'v3.34-dev': Verdict | 'same';
}

const files = readdirSync(FOLDER).filter((file) => file.endsWith('.json'));
const cases = files.flatMap((file) => JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as Case[]);

function acceptable(c: Case): boolean[] {
  const older = c['v3.15.0'];
  const newer = c['v3.34-dev'] === 'same' ? older : c['v3.34-dev'];
  if (older.accepted) return [true];
  if (UNKNOWN_FIELD.test(older.stderr ?? '')) return [newer.accepted];
  return newer.accepted ? [true, false] : [false];
}

function accepts(input: unknown): boolean {
  try {
    validate(input);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(CalicoError);
    return false;
  }
}

const isGap = (c: Case) => GAPS.some((gap) => JSON.stringify(gap.input) === JSON.stringify(c.input));

describe('verdicts of upstream', () => {
  test.each(cases.map((c) => [`${c.kind} ${c.field} ${JSON.stringify(c.input)}`, c] as const))('%s', (_name, c) => {
    expect(acceptable(c).includes(accepts(c.input)), isGap(c) ? 'listed in gaps.json, but agrees' : 'differs').toBe(
      !isGap(c),
    );
  });

  test('every gap is a recorded case', () => {
    const inputs = new Set(cases.map((c) => JSON.stringify(c.input)));
    expect(GAPS.filter((gap) => !inputs.has(JSON.stringify(gap.input)))).toEqual([]);
  });
});
