/** Recorded commands of upstream's calicoctl (test/vectors/calicoctl/README.md), and what differs from them. */
import { parseAllDocuments } from 'yaml';

export interface Step {
  readonly cmd: readonly string[];
  readonly by?: string;
  readonly stdin?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** -1: upstream hung. */
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly crash?: boolean;
  readonly etcdSet?: Readonly<Record<string, unknown>>;
  readonly etcdDeleted?: readonly string[];
}

export interface Recording {
  readonly id: string;
  readonly etcdBefore: readonly { readonly key: string; readonly value: unknown }[];
  readonly steps: readonly Step[];
}

export interface Done {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

const MASK = /<(uid|guid|time|rev)(?:[+-]?\d+)?>/;
const REAL: Readonly<Record<string, { pattern: string; example: string }>> = {
  uid: { pattern: '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}', example: '00000000-0000-4000-8000-000000000001' },
  guid: { pattern: '[0-9a-f]{32}', example: '0123456789abcdef0123456789abcdef' },
  time: { pattern: String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`, example: '2026-01-02T03:04:05Z' },
  rev: { pattern: String.raw`\d+`, example: '1' },
};
/** Versions are each program's own; a cluster's GUID shows unmasked in tables. */
const OWN = [/^(Client Version|Git commit):.*$/gm, /\b[0-9a-f]{32}\b/g];

/** What differs from the recorded step, in words. */
export function differences(step: Step, done: Done): string[] {
  if (step.crash && done.exit === 0) return done.stdout.trim() === '' ? ['says nothing where upstream crashes'] : [];
  if (step.exit === -1 || step.crash) return done.exit === 0 ? ['did not fail'] : errorText(done);
  if (step.cmd.includes('--help') && step.exit === 0 && done.exit === 0)
    return missingOptions(step.stdout, done.stdout);
  if (done.exit !== step.exit) return [`exit ${done.exit}, not ${step.exit}: ${done.stderr}${done.stdout}`];
  const problems = step.exit === 0 ? [] : errorText(done);
  // Where upstream says its error on standard output, the words are free.
  return step.exit !== 0 && step.stderr === ''
    ? problems
    : [...problems, ...outputDifferences(step.stdout, done.stdout)];
}

/** A help's words are each program's own; its options are not. */
function missingOptions(want: string, got: string): string[] {
  const options = new Set(want.match(/--[a-z][a-z-]*/g));
  return [...options].filter((option) => !got.includes(option)).map((option) => `the help lacks ${option}`);
}

export function valueDifferences(want: unknown, got: unknown, path = ''): string[] {
  if (typeof want === 'string' && typeof got === 'string')
    return pattern(want).test(got) ? [] : [`${path}: ${got}, not ${want}`];
  if (
    typeof want !== 'object' ||
    typeof got !== 'object' ||
    !want ||
    !got ||
    Array.isArray(want) !== Array.isArray(got)
  )
    return want === got ? [] : [`${path}: ${JSON.stringify(got)}, not ${JSON.stringify(want)}`];
  const keys = new Set([...Object.keys(want), ...Object.keys(got)]);
  return [...keys].flatMap((key) =>
    valueDifferences((want as Record<string, unknown>)[key], (got as Record<string, unknown>)[key], `${path}.${key}`),
  );
}

function outputDifferences(want: string, got: string): string[] {
  if (/^(apiVersion:|items:|null\n|- |\{|\[)/.test(want)) {
    const sameForm = want.startsWith('{') === got.startsWith('{');
    return sameForm
      ? valueDifferences(documents(want), documents(got), 'stdout')
      : ['stdout is JSON, not YAML, or the reverse'];
  }
  const plain = (text: string) => OWN.reduce((masked, own) => masked.replace(own, '*'), text);
  return pattern(plain(want)).test(plain(got)) ? [] : [`stdout is\n${got}not\n${want}`];
}

function documents(text: string): unknown[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS())
    .filter((value) => value !== null);
}

function errorText({ stderr }: Done): string[] {
  return stderr
    .split('\n')
    .slice(0, -1)
    .every((line) => /^E_[A-Z_]+ \S/.test(line)) && stderr !== ''
    ? []
    : [`standard error is not lines of CODE SUBJECT: ${JSON.stringify(stderr)}`];
}

/** The recorded value with examples in place of its masks. */
export function filled(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value).replace(
      new RegExp(MASK, 'g'),
      (_, name: string) => (REAL[name] as { example: string }).example,
    ),
  );
}

function pattern(text: string): RegExp {
  const parts = text.split(MASK);
  const source = parts.map((part, i) =>
    i % 2 ? (REAL[part] as { pattern: string }).pattern : part.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`),
  );
  return new RegExp(`^${source.join('')}$`);
}
