/** From what people write to a resource: checked, defaults filled in, fields in stored order. */
import type * as z from 'zod';
import { CalicoError } from '../errors/index.ts';
import { quote } from './formats.ts';
import { API_VERSION, type KindInfo, type Resource } from './kind.ts';
import { KINDS, kindInfo } from './kinds.ts';
import { nearMiss } from './near-miss.ts';
import { usesNewer } from './newer.ts';
import { at, elementOf, fieldsOf } from './shape.ts';
import { inStoredOrder } from './stored.ts';
import { putBack, setAside } from './unknown-fields.ts';

type Issue = z.core.$ZodIssue;

/** What is wrong with one field. */
export interface FieldProblem {
  readonly path: readonly PropertyKey[];
  /** With the path in it. */
  readonly text: string;
}

/** E_INVALID with everything that is wrong, field by field, for those who know where the fields stand in a file. */
export class InvalidResource extends CalicoError {
  readonly problems: readonly FieldProblem[];

  constructor(subject: string, problems: readonly FieldProblem[]) {
    super('E_INVALID', subject, problems.map(({ text }) => text).join('; '));
    this.problems = problems;
  }
}

export interface ValidateOptions {
  /** In the form of newer versions, also where v3.15 could read it. */
  readonly newer?: boolean;
  /** What the resource is to replace: fields that only newer versions know are kept where it has them too. */
  readonly current?: Resource;
}

/**
 * Reads a plain object as a resource. Throws E_UNKNOWN_KIND, or E_INVALID with every problem of the object: the
 * field's path, what was found and what was expected.
 */
export function validate(given: unknown, { newer, current }: ValidateOptions = {}): Resource {
  const info = kindOf(given);
  const { input, fields } = setAside(given, current, info.schema);
  const result = info.schema.safeParse(spelled(input, info.schema));
  if (result.success) {
    const resource = inItsForm(prune(result.data) as Resource, info, newer);
    putBack(resource, fields);
    return resource;
  }
  const problems = result.error.issues.flatMap((issue) => problemsOf(issue, input, info.schema));
  const distinct = new Map(problems.map((problem) => [problem.text, problem]));
  throw new InvalidResource(subjectOf(input as Resource), [...distinct.values()]);
}

function inItsForm(resource: Resource, { newerForm, schema }: KindInfo, newer = false): Resource {
  if (!newerForm || !(newer || newerForm.is?.(resource) || usesNewer(resource, schema))) return resource;
  newerForm.convert(resource);
  return inStoredOrder(resource);
}

function kindOf(input: unknown): KindInfo {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new CalicoError(
      'E_INVALID',
      'resource',
      `found ${quote(input)}, expected an object with apiVersion, kind and metadata`,
    );
  const { apiVersion, kind } = input as { apiVersion?: unknown; kind?: unknown };
  if (apiVersion !== API_VERSION) {
    const text = `apiVersion: found ${quote(apiVersion)}, expected ${API_VERSION}`;
    throw new InvalidResource('resource', [{ path: ['apiVersion'], text }]);
  }
  const info = typeof kind === 'string' && Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (info) return info;
  const near = typeof kind === 'string' ? (kindInfo(kind)?.kind ?? nearMiss(kind, Object.keys(KINDS))) : undefined;
  const hint = near ? `did you mean ${near}?` : `known kinds: ${Object.keys(KINDS).join(', ')}`;
  throw new CalicoError('E_UNKNOWN_KIND', 'kind', `${quote(kind)} is not a kind of resource`, { hint });
}

/** The input with fields in the schema's spelling: upstream reads `Nets` as `nets`. */
function spelled(value: unknown, schema: z.ZodType): unknown {
  if (Array.isArray(value)) {
    const element = elementOf(schema);
    return element ? value.map((member) => spelled(member, element)) : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  const fields = fieldsOf(schema);
  const names = Object.keys(fields);
  const entries = Object.entries(value).map(([key, field]) => {
    const known = Object.hasOwn(fields, key)
      ? key
      : names.find((name) => sameWord(name, key) && !Object.hasOwn(value, name));
    const inside = known === undefined ? undefined : fields[known];
    return [known ?? key, inside ? spelled(field, inside) : field];
  });
  return Object.fromEntries(entries);
}

function sameWord(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function subjectOf({ kind, metadata }: Resource): string {
  const name =
    typeof metadata?.name === 'string' ? ` ${metadata.namespace ? `${metadata.namespace}/` : ''}${metadata.name}` : '';
  return `${kind}${name}`;
}

function problemsOf(issue: Issue, input: unknown, schema: z.ZodType): FieldProblem[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, text: describe(issue, input) }];
  return issue.keys.map((key) => {
    const path = [...issue.path, key];
    return { path, text: `${pathText(path)}: no such field${didYouMean(key, issue.path, schema)}` };
  });
}

function describe(issue: Issue, input: unknown): string {
  const path = pathText(issue.path);
  const found = valueAt(input, issue.path);
  switch (issue.code) {
    case 'invalid_value': {
      const words = issue.values.filter((value) => value !== '').map(String);
      const near = typeof found === 'string' ? nearMiss(found, words) : undefined;
      return `${path}: found ${quote(found)}, expected ${words.length > 1 ? 'one of ' : ''}${words.join(', ')}${near ? `; did you mean ${near}?` : ''}`;
    }
    case 'invalid_type':
      if (issue.expected === 'never') return `${path} ${issue.message}`;
      return `${path}: found ${quote(found)}, expected ${TYPES[issue.expected] ?? issue.expected}`;
    case 'too_big':
    case 'too_small':
      return `${path}: found ${quote(found)}, expected ${issue.origin === 'array' ? issue.message : bound(issue)}`;
    default:
      if (found === undefined && issue.message.startsWith('must be')) return `${path}: missing, ${issue.message}`;
      return found === undefined || typeof found === 'object'
        ? `${path} ${issue.message}`
        : `${path}: found ${quote(found)}, ${issue.message}`;
  }
}

const TYPES: Record<string, string> = {
  string: 'text',
  boolean: 'true or false',
  number: 'a number',
  int: 'a whole number',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

function bound(issue: Issue & { code: 'too_big' | 'too_small' }): string {
  return issue.code === 'too_big' ? `at most ${issue.maximum}` : `at least ${issue.minimum}`;
}

/** A field of a similar name here, or one of the same name elsewhere. */
function didYouMean(key: string, path: readonly PropertyKey[], schema: z.ZodType): string {
  const here = at(schema, path);
  const near = here && nearMiss(key, Object.keys(fieldsOf(here)));
  if (near) return `; did you mean ${near}?`;
  for (const place of ['spec', 'metadata', 'status'])
    if (Object.hasOwn(fieldsOf(at(schema, [place]) ?? schema), key)) return `; it belongs in ${place}`;
  return '';
}

function pathText(path: readonly PropertyKey[]): string {
  return (
    path.map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i ? '.' : ''}${String(step)}`)).join('') ||
    'resource'
  );
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, step) => (value as Record<PropertyKey, unknown> | null | undefined)?.[step],
    input,
  );
}

/** Without the keys whose value is undefined. */
function prune(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(prune);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, field]) => (field === undefined ? [] : [[key, prune(field)]])),
  );
}
