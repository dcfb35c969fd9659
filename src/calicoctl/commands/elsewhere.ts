/** Where a resource that is not there may be meant to be. */
import { nearMiss } from '../../api/index.ts';
import type { Client } from '../../datastore/index.ts';
import { CalicoError } from '../../errors/index.ts';

/** An E_NOT_FOUND with the namespaces that have one of that name, or the nearest name that there is; other errors as they are. */
export async function withElsewhere(error: unknown, client: Client, kind: string, name: string): Promise<unknown> {
  if (!(error instanceof CalicoError && error.code === 'E_NOT_FOUND')) return error;
  const hint = await hintFor(client, kind, name).catch(() => undefined);
  return hint === undefined ? error : new CalicoError(error.code, error.subject, error.message, { hint, cause: error });
}

async function hintFor(client: Client, kind: string, name: string): Promise<string | undefined> {
  const { items } = await client.list(kind);
  const namespaces = items.filter(({ metadata }) => metadata.name === name).map(({ metadata }) => metadata.namespace);
  if (namespaces.length > 0) return `there is one in namespace ${namespaces.join(', ')}`;
  const near = nearMiss(
    name,
    items.map(({ metadata }) => metadata.name),
  );
  return near === undefined ? undefined : `did you mean ${near}?`;
}
