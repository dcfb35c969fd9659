/** Resources in files: YAML or JSON, several documents, lists of resources, folders of files. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Document, parseAllDocuments, type Tags } from 'yaml';
import { kindInfo, type Resource, validate } from '../api/index.ts';
import { CalicoError } from '../errors/index.ts';
import { type Io, pathIn } from './io.ts';

const FILES = /\.(ya?ml|json)$/;

/**
 * YAML 1.1 as upstream's parser has it: `y` and `on` are booleans and `010` is 8, but times are text, and there are no
 * numbers of base 60 (a port range such as 20:30 would be one).
 */
const YAML = {
  version: '1.1' as const,
  customTags: (tags: Tags) =>
    tags.filter(
      (tag) =>
        typeof tag === 'string' || !(tag.tag.endsWith(':timestamp') || ('format' in tag && tag.format === 'TIME')),
    ),
};

export interface ReadOptions {
  /** For resources of kinds with namespaces that name none. */
  readonly namespace?: string | undefined;
  readonly recursive?: boolean | undefined;
  /** What names a resource is enough: the rest of it may be incomplete. */
  readonly identityOnly?: boolean | undefined;
}

/**
 * The valid resources of a file, of standard input (`-`), or of a folder's .yaml, .yml and .json files. Throws E_FILE,
 * E_UNKNOWN_KIND, E_INVALID, or an AggregateError of those: when one resource is not usable, none is given.
 */
export async function readResources(io: Io, path: string, options: ReadOptions = {}): Promise<Resource[]> {
  const resources: Resource[] = [];
  const problems: unknown[] = [];
  for (const file of await filesOf(io, path, options.recursive ?? false)) {
    for (const object of await readObjects(io, file)) {
      try {
        resources.push(readResource(inNamespace(object, options.namespace), options));
      } catch (error) {
        problems.push(error);
      }
    }
  }
  if (problems.length === 1) throw problems[0];
  if (problems.length > 1) throw new AggregateError(problems);
  return resources;
}

function readResource(object: unknown, { identityOnly }: ReadOptions): Resource {
  try {
    return validate(object);
  } catch (error) {
    const { apiVersion, kind, metadata } = (object ?? {}) as Partial<Resource>;
    const isNamed = apiVersion === 'projectcalico.org/v3' && kindInfo(String(kind))?.kind === kind && metadata?.name;
    if (identityOnly && isNamed) return { apiVersion, kind, metadata } as Resource;
    throw error;
  }
}

/** Every object in the file, lists taken apart. Throws E_FILE. */
export async function readObjects(io: Io, file: string): Promise<unknown[]> {
  return parseObjects(await readText(io, file), file === '-' ? 'standard input' : file);
}

export function parseObjects(text: string, source: string): unknown[] {
  const objects: unknown[] = [];
  for (const document of parseAllDocuments(text, YAML)) {
    const [error] = document.errors;
    if (error) {
      const [message = 'not YAML'] = error.message.split('\n');
      throw new CalicoError('E_FILE', source, `is not YAML or JSON: ${message.replace(/:$/, '')}`);
    }
    const value = plain(document, source);
    if (value !== null && value !== undefined) objects.push(...flatten(value));
  }
  return objects;
}

/** Throws E_FILE for references to nowhere, or so many that they are an attack. */
function plain(document: Document.Parsed, source: string): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    throw new CalicoError('E_FILE', source, `is not usable YAML: ${(cause as Error).message}`, { cause });
  }
}

async function readText(io: Io, file: string): Promise<string> {
  try {
    return file === '-' ? await io.stdin() : await readFile(pathIn(io, file), 'utf8');
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

async function filesOf(io: Io, path: string, recursive: boolean): Promise<string[]> {
  if (path === '-') return [path];
  try {
    if (!(await stat(pathIn(io, path))).isDirectory()) return [path];
    const entries = await readdir(pathIn(io, path), { withFileTypes: true, recursive });
    return entries
      .filter((entry) => entry.isFile() && FILES.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(file: string, cause: unknown): CalicoError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const problem =
    code === 'ENOENT' ? 'does not exist' : code === 'EACCES' ? 'may not be read' : `cannot be read: ${message}`;
  return new CalicoError('E_FILE', file, problem, { cause });
}

/** The members of a list: a plain one, or Calico's own such as `kind: IPPoolList`. */
function flatten(value: unknown): unknown[] {
  if (Array.isArray(value)) return value.flatMap(flatten);
  const { apiVersion, kind, items } = value as { apiVersion?: unknown; kind?: unknown; items?: unknown };
  const isList = apiVersion === 'projectcalico.org/v3' && typeof kind === 'string' && kind.endsWith('List');
  return isList && Array.isArray(items) ? items : [value];
}

function inNamespace(object: unknown, namespace: string | undefined): unknown {
  const { kind, metadata } = (object ?? {}) as Partial<Resource>;
  if (!namespace || !kindInfo(String(kind))?.namespaced || metadata?.namespace) return object;
  return { ...(object as Resource), metadata: { ...metadata, namespace } };
}
