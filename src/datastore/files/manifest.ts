/** One file of manifests: its text as what a datastore would hold. */
import { LineCounter, parseAllDocuments } from 'yaml';
import { toJson } from '../../api/json.ts';
// Not from the room's index: who follows another datastore would load the schemas with it (scripts/build.ts).
import type { Resource } from '../../api/kind.ts';
import { KIND_NAMES } from '../../api/kind-names.ts';
import { nearMiss } from '../../api/near-miss.ts';
import { storedNameOf, toStored } from '../../api/stored.ts';
import { InvalidResource, validate } from '../../api/validate.ts';
import { CalicoError } from '../../errors/index.ts';
import { resourceKey } from '../keys.ts';
import { YAML_DIALECT } from './yaml-dialect.ts';

/** A resource in the file. */
export interface Entry {
  readonly key: string;
  /** As it is stored; of an invalid one what is written, and `invalid`, which says what is wrong. */
  readonly value: string;
  /** Which document of the file it is; null where it is one of a list in a document. */
  readonly document: number | null;
}

export interface Manifest {
  readonly entries: readonly Entry[];
  /** In words, with the place. */
  readonly problems: readonly string[];
  /** The text is not YAML throughout. What was in the file before is better than what can be guessed from it now. */
  readonly broken: boolean;
  /** Something in it cannot be told even by kind and name: it may be what protects this host. */
  readonly unknown: boolean;
}

/** `file`: its name, for problems. */
export function readManifest(text: string, file: string): Manifest {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { ...YAML_DIALECT, lineCounter: lines });
  const entries: Entry[] = [];
  const problems: string[] = [];
  let unknown = false;
  for (const [index, document] of ('empty' in documents ? [] : documents).entries()) {
    const start = lines.linePos(document.range?.[0] ?? 0).line;
    const error = document.errors[0];
    const place = error ? `${file}:${error.linePos?.[0].line ?? start}` : `${file}:${start}`;
    const syntax = error && `is not YAML: ${error.message.split('\n')[0]}`;
    const objects = objectsIn(document.toJS({ maxAliasCount: 100 }));
    for (const object of objects) {
      if (object === null || object === undefined) continue;
      const read = readObject(object, syntax);
      if (read.problem) problems.push(`${place}: ${read.problem}`);
      if (read.key) entries.push({ key: read.key, value: read.value, document: objects.length === 1 ? index : null });
      else unknown ||= !read.foreign;
    }
  }
  return { entries, problems, broken: documents.some(({ errors }) => errors.length > 0), unknown };
}

function objectsIn(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  const { kind, items } = (value ?? {}) as { kind?: unknown; items?: unknown };
  return String(kind).endsWith('List') && Array.isArray(items) ? items : [value];
}

interface Read {
  readonly key?: string;
  readonly value: string;
  readonly problem?: string;
  /** Somebody else's: no concern of Calico's. */
  readonly foreign?: boolean;
}

function readObject(object: unknown, syntax: string | undefined): Read {
  try {
    if (syntax) throw new CalicoError('E_FILE', 'manifest', syntax);
    const resource = validate(object);
    const { kind, metadata } = resource;
    const key = resourceKey(KIND_NAMES[kind]?.plural as string, storedNameOf(resource), metadata.namespace);
    return { key, value: toStored(resource) };
  } catch (error) {
    if (!(error instanceof CalicoError)) throw error;
    return invalid(object as Partial<Resource>, error);
  }
}

/** What is wrong with it is stored with it, so that whoever follows the datastore closes what it cannot know. */
function invalid(object: Partial<Resource>, error: CalicoError): Read {
  const { apiVersion, kind, metadata } = object;
  const problem = `${error.subject}: ${error.message}`;
  const info = typeof kind === 'string' && Object.hasOwn(KIND_NAMES, kind) ? KIND_NAMES[kind] : undefined;
  const foreign = typeof apiVersion === 'string' && apiVersion !== 'projectcalico.org/v3';
  if (foreign || !info || typeof metadata?.name !== 'string' || metadata.name === '')
    return { value: '', problem, foreign };
  const namespace = info.namespaced ? metadata.namespace || 'default' : undefined;
  const name = info.storedName(metadata.name);
  const stored = {
    ...object,
    metadata: { ...metadata, name },
    spec: withoutGuess(object, error),
    invalid: problem,
  };
  return { key: resourceKey(info.plural, name, namespace), value: toJson(stored), problem };
}

/** A policy without a selector selects everything: not where its selector may be what cannot be read. */
function withoutGuess({ kind, spec }: Partial<Resource>, error: CalicoError): unknown {
  if (!kind?.endsWith('NetworkPolicy') || typeof spec !== 'object' || spec === null || 'selector' in spec) return spec;
  const words = error instanceof InvalidResource ? error.problems.map(({ path }) => String(path[1])) : ['selector'];
  return words.some((word) => nearMiss(word, ['selector']))
    ? { ...spec, selector: 'what was meant cannot be read' }
    : spec;
}
