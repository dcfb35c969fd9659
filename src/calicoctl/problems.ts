/** Which stored resources cannot be used as they stand: for `get -o wide`, by the same reading as Felix's. */
import { type KindInfo, kindInfo, type Resource } from '../api/index.ts';
import { type Client, decode, resourceKey } from '../datastore/index.ts';
import { type IdKey, idKey, type Kind, type ResourceId } from '../model/index.ts';

/** Why resources cannot be used. */
export type Problems = ReadonlyMap<IdKey, { readonly id: ResourceId; readonly reason: string }>;

/** Those of these kinds, in all namespaces. E_DATASTORE. */
export async function findProblems(client: Client, kinds: Iterable<string>): Promise<Problems> {
  const found = new Map<IdKey, { id: ResourceId; reason: string }>();
  for (const kind of new Set(kinds)) {
    const { plural } = kindInfo(kind) as KindInfo;
    for (const { key, value } of (await client.store.list(resourceKey(plural, ''))).items) {
      const update = decode(key, value);
      if (update?.invalid) found.set(idKey(update.id), { id: update.id, reason: update.invalid.reason });
    }
  }
  return found;
}

export function problemOf({ kind, metadata: { name, namespace } }: Resource, problems: Problems): string | undefined {
  return problems.get(idKey({ kind: kind as Kind, name, ...(namespace && { namespace }) }))?.reason;
}
