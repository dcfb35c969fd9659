/** The recorded sequences of operations on upstream's allocator (test/vectors/ipam), and what they have to compare with. */
import { readdirSync, readFileSync } from 'node:fs';
import { parseJson } from '../../api/json.ts';
import type { ErrorCode } from '../../errors/index.ts';

export interface Op {
  readonly op: string;
  readonly name?: string;
  readonly host?: string;
  readonly handle?: string;
  readonly attrs?: Record<string, string>;
  readonly num4?: number;
  readonly num6?: number;
  readonly pools4?: string[];
  readonly pools6?: string[];
  readonly intendedUse?: 'LoadBalancer';
  readonly affinityType?: 'host' | 'virtual';
  readonly cidr?: string;
  readonly mustBeEmpty?: boolean;
  readonly ip?: string;
  readonly ips?: string[];
  readonly sequenceNumber?: number;
  readonly strictAffinity?: boolean;
  readonly autoAllocateBlocks?: boolean;
  readonly maxBlocksPerHost?: number;
  readonly parallel?: Op[];
  readonly key?: string;
  readonly value?: string;
}

export type Result = Readonly<Record<string, unknown>>;

export interface Step {
  readonly op: Op;
  readonly result: Result;
  readonly set?: { key: string; value: unknown }[];
  readonly deleted?: string[];
}

export type Version = 'v3.15.0' | 'v3.34-dev';

export interface Recording {
  readonly id: string;
  readonly version: Version;
  /** Two operations ran at once. */
  readonly orderDependent: boolean;
  readonly steps: readonly Step[];
}

const DIRECTORY = new URL('../../../test/vectors/ipam/', import.meta.url);

type File = { id: string; orderDependent?: boolean } & Partial<Record<Version, Step[]>>;

export const RECORDINGS: readonly Recording[] = readdirSync(DIRECTORY)
  .filter((name) => name.endsWith('.json'))
  .map((name) => parseJson(readFileSync(new URL(name, DIRECTORY), 'utf8')) as File)
  .flatMap(({ id, orderDependent = false, ...versions }) =>
    (['v3.15.0', 'v3.34-dev'] as const).flatMap((version) => {
      const steps = versions[version];
      return Array.isArray(steps) ? [{ id, version, orderDependent, steps }] : [];
    }),
  );

const ERRORS: [RegExp, ErrorCode][] = [
  [/does not exist|no configured Calico pools|cannot find a qualified ippool|not in a configured pool/, 'E_NOT_FOUND'],
  [/already exists/, 'E_EXISTS'],
  [/is not empty|affinity does not match|update conflict|is not assigned to handle|already claimed/, 'E_CONFLICT'],
  [/Cannot disable|requires StrictAffinity/, 'E_INVALID'],
];

/** The code of ours that says the same as upstream's message. */
export function codeOf(message: string): ErrorCode {
  const found = ERRORS.find(([pattern]) => pattern.test(message));
  if (!found) throw new Error(`upstream's error is not known: ${message}`);
  return found[1];
}

/** What upstream answered, without what DIFFERENCES in vectors.test.ts explain: of errors the code. */
export function answerOf({ op, result }: Step): Result {
  const { error, released: _, ...rest } = result;
  if (op.op === 'autoAssign') {
    const { v4 = [], v6 = [], v4partial } = rest;
    // The newer version's other way to say that there are fewer.
    const failed = error !== undefined && v4partial === undefined;
    return { v4, v6, short: v4partial !== undefined, ...(failed && { error: codeOf(String(error)) }) };
  }
  return error === undefined ? rest : { error: codeOf(String(error)) };
}
