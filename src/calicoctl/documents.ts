/** Resources in files: YAML or JSON, several documents, lists of resources, folders of files. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidResource, kindInfo, type Resource, validate } from '../api/index.ts';
import { CalicoError } from '../errors/index.ts';
import { type Io, pathIn } from './io.ts';
import { type FoundObject, parseText } from './yaml-objects.ts';

const FILES = /\.(ya?ml|json)$/;

export interface ReadOptions {
  /** For resources of kinds with namespaces that name none. */
  readonly namespace?: string | undefined;
  readonly recursive?: boolean | undefined;
  /** What names a resource is enough: the rest of it may be incomplete. */
  readonly identityOnly?: boolean | undefined;
}

/**
 * The valid resources of a file, of standard input (`-`), or of a folder's .yaml, .yml and .json files. Throws E_FILE,
 * E_UNKNOWN_KIND, E_INVALID, or an AggregateError of those, one for each field that is wrong and with its place: when
 * one resource is not usable, none is given.
 */
export async function readResources(io: Io, path: string, options: ReadOptions = {}): Promise<Resource[]> {
  const objects = await readObjects(io, path, options.recursive ?? false);
  return mapObjects(objects, (object) => readResource(inNamespace(object, options.namespace), options));
}

/** Every object in the file or folder, lists taken apart. Throws E_FILE, or an AggregateError of those. */
export async function readObjects(io: Io, path: string, recursive: boolean): Promise<FoundObject[]> {
  const objects: FoundObject[] = [];
  const errors: unknown[] = [];
  for (const file of await filesOf(io, path, recursive)) {
    const read = parseText(await readText(io, file), file === '-' ? 'standard input' : file);
    objects.push(...read.objects);
    errors.push(...read.errors);
  }
  // What can be read is checked, too: all that is wrong is told at once.
  if (errors.length > 0) {
    errors.push(...problemsIn(objects));
    throw errors.length === 1 ? errors[0] : new AggregateError(errors);
  }
  return objects;
}

/** What becomes of each object; what goes wrong with one is said with its place. */
export function mapObjects<T>(objects: readonly FoundObject[], use: (object: unknown) => T): T[] {
  const results: T[] = [];
  const problems: CalicoError[] = [];
  for (const object of objects) {
    try {
      results.push(use(object.value));
    } catch (error) {
      if (!(error instanceof CalicoError)) throw error;
      problems.push(...placed(error, object));
    }
  }
  if (problems.length > 0) throw problems.length === 1 ? problems[0] : new AggregateError(problems);
  return results;
}

function problemsIn(objects: readonly FoundObject[]): CalicoError[] {
  return objects.flatMap((object) => {
    try {
      readResource(object.value, {});
      return [];
    } catch (error) {
      return error instanceof CalicoError ? placed(error, object) : [];
    }
  });
}

/** The error as one for each field, which say where they stand, in that order. */
function placed(error: CalicoError, { where, offset }: FoundObject): CalicoError[] {
  const { code, subject, hint, message } = error;
  if (error instanceof InvalidResource)
    return [...error.problems]
      .sort((a, b) => offset(a.path) - offset(b.path))
      .map(({ path, text }) => new CalicoError(code, subject, text, { hint: where(path) }));
  const place = where(code === 'E_UNKNOWN_KIND' ? ['kind'] : []);
  return [new CalicoError(code, subject, message, { hint: hint ? `${hint}; ${place}` : place, cause: error })];
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

/** `-`: standard input. Throws E_FILE. */
export async function readText(io: Io, file: string): Promise<string> {
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
    return (await filesIn(pathIn(io, path), recursive)).sort();
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** Links to files count as files; links to folders are not followed, for they may lead in a circle. */
async function filesIn(folder: string, recursive: boolean): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const isFile = entry.isSymbolicLink() ? !(await leadsToFolder(path)) : entry.isFile();
    if (isFile && FILES.test(entry.name)) files.push(path);
    if (recursive && entry.isDirectory()) files.push(...(await filesIn(path, recursive)));
  }
  return files;
}

/** One that leads nowhere is told when it is read. */
async function leadsToFolder(link: string): Promise<boolean> {
  return (await stat(link).catch(() => null))?.isDirectory() ?? false;
}

function unreadable(file: string, cause: unknown): CalicoError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const problem =
    code === 'ENOENT' ? 'does not exist' : code === 'EACCES' ? 'may not be read' : `cannot be read: ${message}`;
  return new CalicoError('E_FILE', file, problem, { cause });
}

function inNamespace(object: unknown, namespace: string | undefined): unknown {
  const { kind, metadata } = (object ?? {}) as Partial<Resource>;
  if (!namespace || !kindInfo(String(kind))?.namespaced || metadata?.namespace) return object;
  return { ...(object as Resource), metadata: { ...metadata, namespace } };
}
