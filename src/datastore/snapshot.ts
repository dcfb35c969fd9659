/** The whole datastore at one moment, as the syncer would report it. */
import { idKey, type Update } from '../model/index.ts';
import type { Client } from './client.ts';
import { BUILT_IN } from './decode/built-in.ts';
import { decode } from './decode/index.ts';
import { IPAM_BLOCKS, RESOURCES } from './keys.ts';

/** One update for everything that exists; what is invalid is marked so. E_DATASTORE. */
export async function loadSnapshot(client: Client): Promise<Update[]> {
  const updates = new Map(BUILT_IN.map((update) => [idKey(update.id), update]));
  for (const prefix of [RESOURCES, IPAM_BLOCKS]) {
    const { items } = await client.store.list(prefix);
    for (const { key, value } of items) {
      const update = decode(key, value);
      // A policy that is stored in both forms of its name counts as `default.p`, which sorts first.
      if (update && !updates.has(idKey(update.id))) updates.set(idKey(update.id), update);
    }
  }
  return [...updates.values()];
}
