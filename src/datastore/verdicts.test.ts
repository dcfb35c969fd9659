/**
 * Recorded verdicts of upstream's calicoctl on what it is told to create. Where v3.15 does not know a kind or field, the
 * verdict of v3.34 counts; where only v3.34 accepts a value, either is right.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Resource } from '../api/index.ts';
import { CalicoError } from '../errors/index.ts';
import { Client } from './client.ts';
import { MemoryStore } from './memory/store.ts';

const VECTORS = new URL('../../test/vectors/', import.meta.url);
const read = <T>(file: string) => JSON.parse(readFileSync(new URL(file, VECTORS), 'utf8')) as T;

interface Verdict {
  readonly accepted: boolean;
  readonly stderr?: string;
}

interface Case {
  readonly kind: string;
  readonly field: string;
  readonly input: Resource;
  readonly 'v3.15.0': Verdict;
  readonly 'v3.34-dev': Verdict | 'same';
}

const DIFFERENCES = read<{ suite: string; input: unknown }[]>('differences.json').filter(
  ({ suite }) => suite === 'validation',
);
const cases = readdirSync(new URL('validation/', VECTORS))
  .filter((file) => file.endsWith('.json'))
  .flatMap((file) => read<Case[]>(`validation/${file}`));

function acceptable(c: Case): boolean[] {
  const older = c['v3.15.0'];
  const newer = c['v3.34-dev'] === 'same' ? older : c['v3.34-dev'];
  if (older.accepted) return [true];
  if (/Unknown resource type|not recognized/.test(older.stderr ?? '')) return [newer.accepted];
  return newer.accepted ? [true, false] : [false];
}

/** Null where it is accepted. */
async function refusal(input: Resource): Promise<string | null> {
  try {
    await new Client(new MemoryStore()).create(input);
    return null;
  } catch (error) {
    expect(error).toBeInstanceOf(CalicoError);
    return `${(error as CalicoError).subject} ${(error as CalicoError).message}`;
  }
}

/** A field, or the resource that stands in the way. */
const NAMES_A_FIELD = /\b(spec|metadata|status|extra)\b|exists already/;
const differs = (c: Case) => DIFFERENCES.some(({ input }) => JSON.stringify(input) === JSON.stringify(c.input));

describe('verdicts of upstream', () => {
  test.each(cases.map((c) => [`${c.kind} ${c.field} ${JSON.stringify(c.input)}`, c] as const))(
    '%s',
    async (_name, c) => {
      const refused = await refusal(c.input);
      const agrees = acceptable(c).includes(refused === null);
      expect(agrees, differs(c) ? 'listed as a difference, but agrees' : (refused ?? 'accepted')).toBe(!differs(c));
      if (refused !== null && acceptable(c).includes(false)) expect(refused).toMatch(NAMES_A_FIELD);
    },
  );

  test('every difference is a recorded case', () => {
    const inputs = new Set(cases.map((c) => JSON.stringify(c.input)));
    expect(DIFFERENCES.filter(({ input }) => !inputs.has(JSON.stringify(input)))).toEqual([]);
  });
});
