/** The output formats of get. */
import { readFile } from 'node:fs/promises';
import type { Resource } from '../../api/index.ts';
import { CalicoError } from '../../errors/index.ts';
import { type Io, pathIn } from '../io.ts';
import { type Problems, problemOf } from '../problems.ts';
import { type Cell, type CellContext, COLUMNS, type Columns } from './columns.ts';
import { json, listOf, shown, yaml } from './structured.ts';
import { table } from './table.ts';
import { parseTemplate, type Template } from './template.ts';

export type Format =
  | { readonly type: 'table'; readonly wide: boolean; readonly columns?: readonly string[] }
  | { readonly type: 'structured'; readonly write: (value: unknown) => string }
  | { readonly type: 'template'; readonly template: Template };

/** What get found. */
export interface Result {
  /** Set when the resources are all there are of a kind. */
  readonly list?: { readonly kind: string; readonly revision: string };
  readonly resources: readonly Resource[];
  readonly errors: readonly unknown[];
}

export interface PrintOptions extends CellContext {
  readonly withNamespace: boolean;
  readonly exported: boolean;
  /** Shown in wide tables. */
  readonly problems?: Problems;
}

/** The format that `--output` names. E_USAGE. */
export async function parseFormat(text: string, io: Io): Promise<Format> {
  const [name = '', ...rest] = text.split('=');
  const argument = rest.join('=');
  switch (name) {
    case 'table':
    case 'ps':
      return { type: 'table', wide: false };
    case 'wide':
      return { type: 'table', wide: true };
    case 'yaml':
      return { type: 'structured', write: yaml };
    case 'json':
      return { type: 'structured', write: json };
    case 'custom-columns':
      return { type: 'table', wide: false, columns: required(argument, 'custom-columns=NAME,CIDR').split(',') };
    case 'go-template':
      return { type: 'template', template: parseTemplate(required(argument, 'go-template={{…}}')) };
    case 'go-template-file':
      return {
        type: 'template',
        template: parseTemplate(await readTemplate(io, required(argument, 'go-template-file=FILE'))),
      };
    default:
      throw new CalicoError('E_USAGE', '--output', `'${text}' is not an output format`, {
        hint:
          name === 'name'
            ? 'for names alone: -o custom-columns=NAME'
            : 'one of yaml, json, table (ps), wide, custom-columns=…, go-template=…, go-template-file=…',
      });
  }
}

export function print(result: Result, format: Format, options: PrintOptions): string {
  const { list, resources, errors } = result;
  if (format.type === 'table') return resources.length > 0 || list ? tables(result, format, options) : '';
  const items = resources.map((resource) => shown(resource, options.exported && !list));
  if (format.type === 'template') return format.template(list ? [listOf(list.kind, list.revision, items)] : items);
  if (list) return format.write(listOf(list.kind, list.revision, items));
  if (items.length === 0) return format.write(null);
  return format.write(items.length === 1 && errors.length === 0 ? items[0] : items);
}

/** One table for each run of resources of a kind. */
function tables({ list, resources }: Result, format: Format & { type: 'table' }, options: PrintOptions): string {
  const kinds = [...new Set(list ? [list.kind] : resources.map(({ kind }) => kind))];
  return kinds
    .map((kind) =>
      tableOf(
        kind,
        resources.filter((resource) => resource.kind === kind),
        format,
        options,
      ),
    )
    .join('');
}

function tableOf(
  kind: string,
  resources: readonly Resource[],
  format: Format & { type: 'table' },
  options: PrintOptions,
): string {
  const columns = COLUMNS[kind];
  if (!columns) throw new CalicoError('E_USAGE', '--output', `there is no table of ${kind}`, { hint: 'use -o yaml' });
  const usual = withUnusual(format.wide ? columns.wide : columns.narrow, columns, resources);
  const namespaced = options.withNamespace && 'NAMESPACE' in columns.cells;
  // Upstream has no such column: it is there only when it has something to say.
  const { problems = new Map() } = options;
  const troubled = format.wide && resources.some((resource) => problemOf(resource, problems) !== undefined);
  const all = troubled ? [...usual, 'PROBLEM'] : usual;
  const known: Record<string, Cell> = {
    ...columns.cells,
    PROBLEM: (resource) => problemOf(resource, problems) ?? '',
  };
  const headings = format.columns ?? (namespaced ? ['NAMESPACE', ...all] : all);
  const cells = headings.map((heading) => {
    const cell = Object.hasOwn(known, heading) ? known[heading] : undefined;
    if (cell) return cell;
    throw new CalicoError('E_USAGE', '--output', `${kind} has no column '${heading}'`, {
      hint: `it has ${Object.keys(columns.cells).join(', ')}`,
    });
  });
  return table(
    headings,
    resources.map((resource) => cells.map((cell) => cell(resource, options))),
  );
}

function withUnusual(
  [first = '', ...rest]: readonly string[],
  { unusual = {} }: Columns,
  resources: readonly Resource[],
): string[] {
  const shown = Object.entries(unusual).filter(([, is]) => resources.some(is));
  return [first, ...shown.map(([heading]) => heading), ...rest];
}

function required(argument: string, example: string): string {
  if (argument !== '') return argument;
  throw new CalicoError('E_USAGE', '--output', 'needs more', { hint: `such as -o '${example}'` });
}

async function readTemplate(io: Io, file: string): Promise<string> {
  try {
    return await readFile(pathIn(io, file), 'utf8');
  } catch (cause) {
    throw new CalicoError('E_FILE', file, 'the template cannot be read', { hint: (cause as Error).message, cause });
  }
}
