/**
 * A small part of Go's templates, enough to pick values out of resources:
 * `{{.Spec.CIDR}}`, `{{range .}}…{{else}}…{{end}}`, `{{if …}}…{{else}}…{{end}}`, `{{with …}}…{{end}}`, `{{$x := .Field}}` is
 * not there; functions join, joinAndTruncate, len, index, eq, ne, lt, le, gt, ge, not, and, or, print, println, printf
 * (%s %v %d %q). Fields go by the names of Go's types (`.ObjectMeta.Name`) or of the JSON (`.metadata.name`), in any case.
 */
import { CalicoError } from '../../errors/index.ts';

/** Renders a value. Throws E_USAGE. */
export type Template = (data: unknown) => string;

type Node =
  | { type: 'text'; text: string }
  | { type: 'print'; pipeline: string }
  | { type: 'if' | 'with' | 'range'; pipeline: string; body: Node[]; otherwise: Node[] };

const RESOURCE_FIELDS = [
  'kind',
  'apiversion',
  'metadata',
  'objectmeta',
  'typemeta',
  'listmeta',
  'spec',
  'status',
  'items',
];

const METADATA_FIELDS = ['name', 'namespace', 'uid', 'resourceversion', 'creationtimestamp', 'labels', 'annotations'];

export function parseTemplate(text: string): Template {
  const tokens = text.split(/(\{\{-?[\s\S]*?-?\}\})/);
  if (/\{\{/.test(tokens.filter((_, i) => i % 2 === 0).join(''))) throw wrong('an action is not closed: }} is missing');
  const trimmed = tokens.map((token, i) => (i % 2 ? token : trim(token, tokens[i - 1], tokens[i + 1])));
  const reader = { tokens: trimmed, next: 0 };
  const nodes = parseNodes(reader, false);
  return (data) => render(nodes, data, data);
}

/** `{{-` and `-}}` eat the white space beside them. */
function trim(text: string, before: string | undefined, after: string | undefined): string {
  const left = before?.endsWith('-}}') ? text.trimStart() : text;
  return after?.startsWith('{{-') ? left.trimEnd() : left;
}

function parseNodes(reader: { tokens: string[]; next: number }, nested: boolean): Node[] {
  const nodes: Node[] = [];
  while (reader.next < reader.tokens.length) {
    const i = reader.next++;
    const token = reader.tokens[i] as string;
    if (i % 2 === 0) {
      if (token) nodes.push({ type: 'text', text: token });
      continue;
    }
    const action = token.replace(/^\{\{-?\s*|\s*-?\}\}$/g, '');
    if (action.startsWith('/*')) continue; // a comment
    const [, word = '', pipeline = ''] = /^(if|with|range|else|end)\b\s*([\s\S]*)$/.exec(action) ?? [];
    if (word === 'end' || word === 'else') {
      if (!nested) throw wrong(`{{${word}}} has no beginning`);
      reader.next = i;
      return nodes;
    }
    nodes.push(word ? block(word as 'if', pipeline, reader) : { type: 'print', pipeline: action });
  }
  if (nested) throw wrong('{{end}} is missing');
  return nodes;
}

function block(type: 'if' | 'with' | 'range', pipeline: string, reader: { tokens: string[]; next: number }): Node {
  const body = parseNodes(reader, true);
  const [, isElse, more, condition = ''] =
    /^\{\{-?\s*(else)(?:\s+(if|with)\b\s*([\s\S]*?))?\s*-?\}\}$/.exec(reader.tokens[reader.next++] as string) ?? [];
  if (!isElse) return { type, pipeline, body, otherwise: [] };
  // `else if` is an `if` of its own, which the same end closes.
  if (more) return { type, pipeline, body, otherwise: [block(more as 'if' | 'with', condition, reader)] };
  const otherwise = parseNodes(reader, true);
  reader.next++;
  return { type, pipeline, body, otherwise };
}

function render(nodes: readonly Node[], dot: unknown, root: unknown): string {
  return nodes.map((node) => renderOne(node, dot, root)).join('');
}

function renderOne(node: Node, dot: unknown, root: unknown): string {
  if (node.type === 'text') return node.text;
  const value = evaluate(node.pipeline, dot, root);
  if (node.type === 'print') return goText(value);
  if (!isTrue(value)) return render(node.otherwise, dot, root);
  if (node.type === 'if') return render(node.body, dot, root);
  if (node.type === 'with') return render(node.body, value, root);
  return Object.values(value as object)
    .map((member) => render(node.body, member, root))
    .join('');
}

function evaluate(pipeline: string, dot: unknown, root: unknown): unknown {
  let piped: unknown[] = [];
  for (const command of splitOutside(pipeline, '|')) {
    const words = command.match(/\((?:[^()]|\([^()]*\))*\)|"(?:[^"\\]|\\.)*"|`[^`]*`|[^\s]+/g) ?? [];
    const [first = '.', ...rest] = words;
    const values = rest.map((word) => operand(word, dot, root));
    piped = [Object.hasOwn(FUNCTIONS, first) ? call(first, [...values, ...piped]) : operand(first, dot, root)];
  }
  return piped[0];
}

function operand(word: string, dot: unknown, root: unknown): unknown {
  if (word.startsWith('(')) return evaluate(word.slice(1, -1), dot, root);
  if (word.startsWith('"')) return quoted(word);
  if (word.startsWith('`')) return word.slice(1, -1);
  if (/^-?\d/.test(word)) return Number(word);
  if (word === 'true' || word === 'false') return word === 'true';
  if (word === '$' || word.startsWith('$.')) return select(root, word.slice(1));
  if (word.startsWith('.')) return select(dot, word);
  if (Object.hasOwn(FUNCTIONS, word)) return call(word, []);
  throw wrong(`function '${word}' is not known`);
}

/** Go's escapes that JSON has, too. */
function quoted(word: string): unknown {
  try {
    return JSON.parse(word);
  } catch {
    throw wrong(`${word} is no text that is understood`);
  }
}

function select(value: unknown, path: string): unknown {
  return path.split('.').filter(Boolean).reduce(fieldOf, value);
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  const wanted = name === 'ObjectMeta' || name === 'ListMeta' ? 'metadata' : name.toLowerCase();
  if (wanted === 'typemeta') return value;
  const key = Object.keys(value).find((known) => known.toLowerCase() === wanted);
  if (key !== undefined) return (value as Record<string, unknown>)[key];
  if (!('apiVersion' in value) || RESOURCE_FIELDS.includes(wanted)) return undefined;
  // Go reaches the fields of metadata from the resource, too: they are embedded.
  if (METADATA_FIELDS.includes(wanted)) return fieldOf((value as { metadata?: unknown }).metadata, name);
  throw wrong(`a resource has no field '${name}'`);
}

const FUNCTIONS: Record<string, (...args: never[]) => unknown> = {
  join: (value: unknown, separator: string) => joined(value, separator),
  joinAndTruncate: (value: unknown, separator: string, most: number) => {
    const text = joined(value, separator);
    return most > 0 && text.length > most ? `${text.slice(0, most - 3)}...` : text;
  },
  len: (value: unknown) => (typeof value === 'string' ? value.length : Object.keys(value ?? {}).length),
  index: (value: unknown, ...keys: (string | number)[]) =>
    keys.reduce((v: unknown, key) => (v as Record<string | number, unknown> | undefined)?.[key], value),
  eq: (first: unknown, ...others: unknown[]) => others.some((other) => goText(first) === goText(other)),
  ne: (a: unknown, b: unknown) => goText(a) !== goText(b),
  lt: (a: unknown, b: unknown) => compare(a, b) < 0,
  le: (a: unknown, b: unknown) => compare(a, b) <= 0,
  gt: (a: unknown, b: unknown) => compare(a, b) > 0,
  ge: (a: unknown, b: unknown) => compare(a, b) >= 0,
  not: (value: unknown) => !isTrue(value),
  and: (...values: unknown[]) => values.find((value) => !isTrue(value)) ?? values.at(-1),
  or: (...values: unknown[]) => values.find(isTrue) ?? values.at(-1),
  print: (...values: unknown[]) => values.map(goText).join(''),
  println: (...values: unknown[]) => `${values.map(goText).join(' ')}\n`,
  printf: (format: string, ...values: unknown[]) =>
    format.replace(/%[svdq%]/g, (verb) => {
      if (verb === '%%') return '%';
      return verb === '%q' ? JSON.stringify(goText(values.shift())) : goText(values.shift());
    }),
};

/** Members of a list, or `key=value` of a map. */
function joined(value: unknown, separator: string): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map(goText).join(separator);
  if (typeof value !== 'object') return goText(value);
  const pairs = Object.entries(value).map(([key, member]) => `${key}=${goText(member)}`);
  return pairs.sort().join(separator);
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return goText(a) < goText(b) ? -1 : goText(a) > goText(b) ? 1 : 0;
}

function call(name: string, args: unknown[]): unknown {
  return (FUNCTIONS[name] as (...args: unknown[]) => unknown)(...args);
}

function isTrue(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

function goText(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (typeof value === 'object')
    return `map[${Object.entries(value)
      .map(([key, member]) => `${key}:${goText(member)}`)
      .join(' ')}]`;
  return String(value);
}

function splitOutside(text: string, separator: string): string[] {
  return text.split(new RegExp(`\\${separator}(?=(?:[^"]*"[^"]*")*[^"]*$)`)).map((part) => part.trim());
}

function wrong(problem: string): CalicoError {
  return new CalicoError('E_USAGE', 'go-template', problem);
}
