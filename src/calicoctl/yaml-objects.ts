/** YAML and JSON texts: the objects in them, and where in the text their fields stand. */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml';
import { YAML_DIALECT } from '../datastore/files/yaml-dialect.ts';
import { CalicoError } from '../errors/index.ts';

/** An object of a text. */
export interface FoundObject {
  readonly value: unknown;
  /** Where the field stands, or what of its path there is: `pools.yaml, document 2, line 6, column 9`. */
  where(path: readonly PropertyKey[]): string;
  /** The same as a number that grows along the text. */
  offset(path: readonly PropertyKey[]): number;
}

/** Every object in the text, lists taken apart, in order; and an E_FILE for each document that cannot be read. */
export function parseText(text: string, source: string): { objects: FoundObject[]; errors: CalicoError[] } {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { ...YAML_DIALECT, lineCounter: lines });
  const place = (number: number, offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${source}${documents.length > 1 ? `, document ${number}` : ''}, line ${line}, column ${col}`;
  };
  const objects: FoundObject[] = [];
  const errors: CalicoError[] = [];
  for (const [i, document] of documents.entries()) {
    const at = (offset: number) => place(i + 1, offset);
    try {
      objects.push(...objectsOf(document, at));
    } catch (error) {
      if (!(error instanceof CalicoError)) throw error;
      errors.push(error);
    }
  }
  return { objects, errors };
}

/** The objects alone. Throws E_FILE for the first document that cannot be read. */
export function parseObjects(text: string, source: string): unknown[] {
  const { objects, errors } = parseText(text, source);
  if (errors[0]) throw errors[0];
  return objects.map(({ value }) => value);
}

type At = (offset: number) => string;

function objectsOf(document: Document.Parsed, at: At): FoundObject[] {
  const [error] = document.errors;
  if (error)
    throw new CalicoError('E_FILE', at(error.pos[0]), `is not YAML or JSON: ${wrong(error)}`, { cause: error });
  const value = plain(document, at);
  if (value === null || value === undefined) return [];
  const found = flatten(value, []);
  return found.map(({ value, path }) => {
    const offset = (field: readonly PropertyKey[]) => offsetOf(document, [...path, ...field]);
    return { value, offset, where: (field) => at(offset(field)) };
  });
}

/** In words about what was written, where the parser's are about how it reads. */
const WRONG: Readonly<Record<string, string>> = {
  BLOCK_AS_IMPLICIT_KEY:
    'the next line is indented as if it belonged to this value; the fields of an object begin below each other',
  BAD_INDENT: 'the indentation does not fit that of the lines above; the fields of an object begin below each other',
  TAB_AS_INDENT: 'the line is indented with a tab, which YAML does not take; use blanks',
  DUPLICATE_KEY: 'the object has the same field twice',
};

function wrong({ code, message }: { code: string; message: string }): string {
  return WRONG[code] ?? (message.split(/ at line \d|\n/)[0] as string).replace(/[:.]$/, '');
}

/** Throws E_FILE for references to nowhere, or so many that they are an attack. */
function plain(document: Document.Parsed, at: At): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    const message = (cause as Error).message;
    throw new CalicoError('E_FILE', at(document.range[0]), `is not usable YAML: ${message}`, { cause });
  }
}

/** The members of a list: a plain one, or Calico's own such as `kind: IPPoolList`. */
function flatten(value: unknown, path: PropertyKey[]): { value: unknown; path: PropertyKey[] }[] {
  if (Array.isArray(value)) return value.flatMap((member, i) => flatten(member, [...path, i]));
  const { apiVersion, kind, items } = (value ?? {}) as { apiVersion?: unknown; kind?: unknown; items?: unknown };
  const isList = apiVersion === 'projectcalico.org/v3' && typeof kind === 'string' && kind.endsWith('List');
  return isList && Array.isArray(items)
    ? items.map((value, i) => ({ value, path: [...path, 'items', i] }))
    : [{ value, path }];
}

/** Where the last step of the path that exists begins: a field at its key. */
function offsetOf(document: Document.Parsed, path: readonly PropertyKey[]): number {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? document.range[0];
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    if (isSeq(node)) {
      node = (node.items[Number(step)] ?? null) as Node | null;
      offset = node?.range?.[0] ?? offset;
    } else if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && sameWord(key.value, step));
      if (!pair) break;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value as Node | null;
    } else break;
  }
  return offset;
}

/** Fields are read in any case, as upstream does. */
function sameWord(key: unknown, step: PropertyKey): boolean {
  return String(key).toLowerCase() === String(step).toLowerCase();
}
