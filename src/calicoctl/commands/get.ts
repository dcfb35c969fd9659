/** get: the handler. */
import type { KindInfo, Resource } from '../../api/index.ts';
import type { Client } from '../../datastore/index.ts';
import { CalicoError } from '../../errors/index.ts';
import { DEFAULT_PROFILE } from '../allowed.ts';
import { askedKind } from '../asked-kind.ts';
import { readResources } from '../documents.ts';
import type { Io } from '../io.ts';
import { type Format, parseFormat, print, type Result } from '../output/format.ts';
import { findProblems, type Problems } from '../problems.ts';
import { withClient } from '../session.ts';
import { isUnanswered } from '../unanswered.ts';
import { withElsewhere } from './elsewhere.ts';

export interface GetOptions {
  readonly filename?: string;
  readonly recursive?: boolean;
  readonly config?: string;
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly output: string;
  readonly export?: boolean;
  readonly skipEmpty?: boolean;
}

export async function get(
  io: Io,
  kind: string | undefined,
  names: readonly string[],
  options: GetOptions,
): Promise<void> {
  const format = await parseFormat(options.output, io);
  const find = kind === undefined ? await inFile(io, options) : ofKind(kind, names, options);
  await withClient(io, options.config, async (client) => {
    const result = await find(client);
    await show(io, client, result, format, options);
    if (result.errors.length > 0) throw new AggregateError(result.errors);
  });
}

/** Understood before the datastore is asked; then asked. */
type Find = (client: Client) => Promise<Result>;

function ofKind(kind: string, names: readonly string[], options: GetOptions): Find {
  const info = askedKind(kind);
  checkNamespace(info, names, options);
  const named = names.map((name) => [info.kind, name, options.namespace] as const);
  return (client) => (names.length > 0 ? getEach(named, client) : listAll(client, info, options));
}

async function inFile(io: Io, options: GetOptions): Promise<Find> {
  if (options.filename === undefined)
    throw new CalicoError('E_USAGE', 'calicoctl get', 'needs a kind or --filename', {
      hint: 'such as: calicoctl get nodes',
    });
  const resources = await readResources(io, options.filename, options);
  const named = resources.map(({ kind, metadata }) => [kind, metadata.name, metadata.namespace] as const);
  return (client) => getEach(named, client);
}

async function listAll(client: Client, info: KindInfo, options: GetOptions): Promise<Result> {
  const namespace = info.namespaced && !options.allNamespaces ? { namespace: options.namespace ?? 'default' } : {};
  const { items, revision } = await client.list(info.kind, namespace);
  if (info.kind === 'Profile') items.push(DEFAULT_PROFILE);
  const byName = info.kind === 'Profile' ? items.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)) : items;
  return { list: { kind: info.kind, revision }, resources: byName, errors: [] };
}

async function getEach(
  ids: readonly (readonly [string, string, string | undefined])[],
  client: Client,
): Promise<Result> {
  const resources: Resource[] = [];
  const errors: unknown[] = [];
  for (const [kind, name, namespace] of ids) {
    try {
      const builtIn = kind === 'Profile' && name === DEFAULT_PROFILE.metadata.name;
      resources.push(builtIn ? DEFAULT_PROFILE : await client.get(kind, name, namespace));
    } catch (error) {
      if (isUnanswered(error)) {
        errors.push(error);
        break;
      }
      errors.push(await withElsewhere(error, client, kind, name));
    }
  }
  return { resources, errors };
}

async function show(io: Io, client: Client, result: Result, format: Format, options: GetOptions): Promise<void> {
  const needsAsNumber = result.resources.some(({ kind }) => kind === 'Node') && format.type !== 'structured';
  const defaults = needsAsNumber ? await client.find('BGPConfiguration', 'default') : null;
  const asNumber = Number(defaults?.spec?.asNumber ?? 64512);
  const withNamespace = (options.allNamespaces ?? false) || options.namespace !== undefined;
  const settings = { asNumber, withNamespace, exported: options.export ?? false };
  if (format.type !== 'table' || !format.wide) return io.out(print(result, format, settings));
  const kinds = result.list ? [result.list.kind] : result.resources.map(({ kind }) => kind);
  const problems = await findProblems(client, kinds);
  io.out(print(result.list ? withUnreadable(result, problems, options) : result, format, { ...settings, problems }));
}

/** What is stored and is no resource at all has a row of its own, too. */
function withUnreadable(result: Result, problems: Problems, { namespace, allNamespaces }: GetOptions): Result {
  const seen = new Set(result.resources.map(({ kind, metadata }) => `${kind} ${metadata.namespace} ${metadata.name}`));
  const missing = [...problems.values()].filter(
    ({ id }) =>
      !seen.has(`${id.kind} ${id.namespace} ${id.name}`) &&
      (id.namespace === undefined || allNamespaces || id.namespace === (namespace ?? 'default')),
  );
  const rows = missing.map(({ id: { kind, namespace: of, name } }): Resource => {
    return { apiVersion: 'projectcalico.org/v3', kind, metadata: { name, ...(of && { namespace: of }) } };
  });
  return { ...result, resources: [...result.resources, ...rows] };
}

function checkNamespace(info: KindInfo, names: readonly string[], { namespace, allNamespaces }: GetOptions): void {
  checkNamespaced(info, namespace);
  if (allNamespaces && names.length > 0)
    throw new CalicoError('E_USAGE', '--all-namespaces', 'cannot stand beside the name of a resource', {
      hint: 'use --namespace',
    });
}

/** E_USAGE when a namespace is given for a kind that has none. */
export function checkNamespaced({ kind, namespaced }: KindInfo, namespace: string | undefined): void {
  if (!namespaced && namespace !== undefined)
    throw new CalicoError('E_USAGE', '--namespace', `${kind} has no namespaces`);
}
