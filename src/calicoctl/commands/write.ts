/** create, apply, replace and delete: the handlers. */
import { kindInfo, type Resource } from '../../api/index.ts';
import type { Client } from '../../datastore/index.ts';
import { CalicoError } from '../../errors/index.ts';
import { checkMayWrite } from '../allowed.ts';
import { readResources } from '../documents.ts';
import type { Io } from '../io.ts';
import { forEach, type Outcome, summary } from '../outcome.ts';
import { withClient } from '../session.ts';
import { unknownKind } from '../unknown-kind.ts';

export interface FileOptions {
  readonly filename: string;
  readonly config?: string;
  readonly namespace?: string;
  readonly recursive?: boolean;
  readonly skipExists?: boolean;
  readonly skipNotExists?: boolean;
  readonly skipEmpty?: boolean;
  /** The resources of the file need only be named. */
  readonly identityOnly?: boolean;
}

type Write = (client: Client, resource: Resource) => Promise<unknown>;

export async function create(io: Io, options: FileOptions): Promise<void> {
  await writeFile(io, options, 'created', (client, resource) =>
    unless(options.skipExists, 'E_EXISTS', client.create(resource)),
  );
}

export async function apply(io: Io, options: FileOptions): Promise<void> {
  await writeFile(io, options, 'applied', applyOne);
}

export async function replace(io: Io, options: FileOptions): Promise<void> {
  await writeFile(io, options, 'replaced', (client, resource) => client.update(resource));
}

/** delete: by kind and names, or by file. */
export async function remove(
  io: Io,
  kind: string | undefined,
  names: readonly string[],
  options: Partial<FileOptions>,
): Promise<void> {
  const { filename } = options;
  if (filename !== undefined && kind === undefined) return removeFile(io, { ...options, filename });
  if (kind === undefined || names.length === 0 || filename !== undefined)
    throw new CalicoError('E_USAGE', 'calicoctl delete', 'needs a kind and names, or --filename');
  return removeNamed(io, kind, names, options);
}

async function removeFile(io: Io, options: FileOptions): Promise<void> {
  await writeFile(io, { ...options, identityOnly: true }, 'deleted', (client, { kind, metadata }) =>
    unless(
      options.skipNotExists,
      'E_NOT_FOUND',
      client.delete(kind, metadata.name, metadata.namespace, metadata.resourceVersion),
    ),
  );
}

async function removeNamed(
  io: Io,
  kind: string,
  names: readonly string[],
  options: Partial<FileOptions>,
): Promise<void> {
  const info = kindInfo(kind);
  if (!info) throw unknownKind(kind);
  const namespace = info.namespaced ? { namespace: options.namespace ?? 'default' } : {};
  const resources = names.map(
    (name): Resource => ({ apiVersion: 'projectcalico.org/v3', kind: info.kind, metadata: { name, ...namespace } }),
  );
  const outcome = await withClient(io, options.config, (client) =>
    forEach(resources, async ({ kind, metadata }) => {
      checkMayWrite(kind, metadata.name);
      await unless(options.skipNotExists, 'E_NOT_FOUND', client.delete(kind, metadata.name, metadata.namespace));
    }),
  );
  conclude(io, outcome, 'deleted');
}

async function writeFile(io: Io, options: FileOptions, verb: string, write: Write): Promise<void> {
  const resources = await readResources(io, options.filename, options);
  if (resources.length === 0 && options.skipEmpty) return;
  if (resources.length === 0) throw new CalicoError('E_FILE', options.filename, 'has no resources in it');
  const outcome = await withClient(io, options.config, (client) =>
    forEach(resources, (resource) => {
      checkMayWrite(resource.kind, resource.metadata.name);
      return write(client, resource);
    }),
  );
  conclude(io, outcome, verb);
}

async function applyOne(client: Client, resource: Resource): Promise<void> {
  try {
    await client.update(resource);
  } catch (error) {
    if (!(error instanceof CalicoError && error.code === 'E_NOT_FOUND')) throw error;
    await client.create(resource);
  }
}

function conclude(io: Io, outcome: Outcome, verb: string): void {
  io.out(summary(outcome, verb));
  if (outcome.errors.length > 0) throw new AggregateError(outcome.errors);
}

/** With `skip`, an error of that code is none. */
async function unless(skip: boolean | undefined, code: string, promise: Promise<unknown>): Promise<void> {
  await promise.catch((error) => {
    if (!(skip && error instanceof CalicoError && error.code === code)) throw error;
  });
}
