/** create, apply, replace and delete: the handlers. */
import type { Resource } from '../../api/index.ts';
import type { Client } from '../../datastore/index.ts';
import { CalicoError } from '../../errors/index.ts';
import { releaseNode, retirePool } from '../../ipam/index.ts';
import { checkMayWrite } from '../allowed.ts';
import { askedKind } from '../asked-kind.ts';
import { type ReadOptions, readResources } from '../documents.ts';
import type { Io } from '../io.ts';
import { forEach, inBatches, type Outcome, summary } from '../outcome.ts';
import { progressOn } from '../progress.ts';
import { withClient } from '../session.ts';
import { writeBatch } from '../staging/batch.ts';
import { rehearse, writeAtOnce } from '../staging/rehearsal.ts';

export interface FileOptions extends ReadOptions {
  readonly filename: string;
  readonly config?: string;
  readonly skipExists?: boolean;
  readonly skipNotExists?: boolean;
  readonly skipEmpty?: boolean;
  /** `client` asks no datastore, `server` one. */
  readonly dryRun?: 'client' | 'server';
  /** All of the file, or nothing. */
  readonly atomic?: boolean;
  /** Although it takes this host its BGP sessions. */
  readonly force?: boolean;
}

/** What a command does with each resource of a file. */
export interface Verb {
  /** `created`. */
  readonly done: string;
  write(client: Client, resource: Resource, options: Partial<FileOptions>): Promise<unknown>;
}

const CREATE: Verb = {
  done: 'created',
  write: (client, resource, { skipExists }) => unless(skipExists, 'E_EXISTS', client.create(resource)),
};
export const APPLY: Verb = { done: 'applied', write: applyOne };
const REPLACE: Verb = { done: 'replaced', write: (client, resource) => client.update(resource) };
const DELETE: Verb = {
  done: 'deleted',
  write: (client, resource, { skipNotExists }) => unless(skipNotExists, 'E_NOT_FOUND', deleteOne(client, resource)),
};

/** What a node or a pool has of addresses and blocks goes first: afterwards nobody would know of it. */
async function deleteOne(client: Client, { kind, metadata }: Resource): Promise<unknown> {
  const { name, namespace, resourceVersion } = metadata;
  if (kind === 'Node') await releaseNode(client.store, name);
  const retired = kind === 'IPPool' ? await retirePool(client.store, name, resourceVersion) : resourceVersion;
  return client.delete(kind, name, namespace, retired);
}

export async function create(io: Io, options: FileOptions): Promise<void> {
  await writeFile(io, options, CREATE);
}

export async function apply(io: Io, options: FileOptions): Promise<void> {
  await writeFile(io, options, APPLY);
}

export async function replace(io: Io, options: FileOptions): Promise<void> {
  await writeFile(io, options, REPLACE);
}

/** delete: by kind and names, or by file. */
export async function remove(
  io: Io,
  kind: string | undefined,
  names: readonly string[],
  options: Partial<FileOptions>,
): Promise<void> {
  const { filename } = options;
  if (filename !== undefined && kind === undefined)
    return writeFile(io, { ...options, filename, identityOnly: true }, DELETE);
  if (kind === undefined || names.length === 0 || filename !== undefined)
    throw new CalicoError('E_USAGE', 'calicoctl delete', 'needs a kind and names, or --filename');
  const info = askedKind(kind);
  const namespace = info.namespaced ? { namespace: options.namespace ?? 'default' } : {};
  const resources = names.map(
    (name): Resource => ({ apiVersion: 'projectcalico.org/v3', kind: info.kind, metadata: { name, ...namespace } }),
  );
  const work = (client: Client) => writeAll(io, client, resources, DELETE, options);
  const outcome = await withClient(io, options.config, async (client) => {
    await checkUnlessForced(io, client, resources, work, options);
    return work(client);
  });
  conclude(io, outcome, DELETE);
}

async function writeFile(io: Io, options: FileOptions, verb: Verb): Promise<void> {
  const resources = await resourcesOf(io, options);
  if (resources.length === 0) return io.out('No resources specified\n');
  if (options.dryRun === 'client') {
    const outcome = await forEach(resources, async ({ kind, metadata }) => checkMayWrite(kind, metadata.name));
    return concludeRehearsal(io, outcome, verb, 'the datastore was not asked');
  }
  const outcome = await withClient(io, options.config, async (client) => {
    const work = (client: Client) => writeAll(io, client, resources, verb, options);
    if (options.dryRun === 'server') return rehearse(io, client, work);
    await checkUnlessForced(io, client, resources, work, options);
    return options.atomic ? writeAtOnce(client, work) : work(client);
  });
  if (options.dryRun) return concludeRehearsal(io, outcome, verb, 'nothing is written');
  if (options.atomic && outcome.errors.length > 0) throw new AggregateError(outcome.errors);
  conclude(io, outcome, verb);
}

async function checkUnlessForced(
  io: Io,
  client: Client,
  resources: readonly Resource[],
  work: (client: Client) => Promise<unknown>,
  { force }: Partial<FileOptions>,
): Promise<void> {
  if (force) return;
  const kinds = resources.map(({ kind }) => kind);
  await (await import('../reach.ts')).checkReach(io, client, kinds, work);
}

/** The valid resources of the file. E_FILE where there are none, unless that is fine. */
export async function resourcesOf(io: Io, options: FileOptions): Promise<Resource[]> {
  const resources = await readResources(io, options.filename, options);
  if (resources.length === 0 && !options.skipEmpty)
    throw new CalicoError('E_FILE', options.filename, 'has no resources in it');
  return resources;
}

/** Writes each that people may write. */
export function writeAll(
  io: Io,
  client: Client,
  resources: readonly Resource[],
  verb: Verb,
  options: Partial<FileOptions>,
): Promise<Outcome> {
  const write = async (client: Client, resource: Resource) => {
    checkMayWrite(resource.kind, resource.metadata.name);
    return verb.write(client, resource, options);
  };
  return inBatches(resources, (batch) => writeBatch(client, batch, write), progressOn(io, verb.done));
}

async function applyOne(client: Client, resource: Resource): Promise<void> {
  try {
    await client.update(resource);
  } catch (error) {
    if (!(error instanceof CalicoError && error.code === 'E_NOT_FOUND')) throw error;
    await client.create(resource);
  }
}

function conclude(io: Io, outcome: Outcome, { done }: Verb): void {
  io.out(summary(outcome, done));
  if (outcome.errors.length > 0) throw new AggregateError(outcome.errors);
}

function concludeRehearsal(io: Io, { total, done, errors }: Outcome, verb: Verb, caveat: string): void {
  io.out(`Dry run: ${done} of ${total} resource(s) can be ${verb.done}; ${caveat}\n`);
  if (errors.length > 0) throw new AggregateError(errors);
}

/** With `skip`, an error of that code is none. */
async function unless(skip: boolean | undefined, code: string, promise: Promise<unknown>): Promise<void> {
  await promise.catch((error) => {
    if (!(skip && error instanceof CalicoError && error.code === code)) throw error;
  });
}
