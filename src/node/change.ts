/** Changes a resource of the datastore that others change too. */
import { isDeepStrictEqual } from 'node:util';
import type { Resource } from '../api/index.ts';
import type { Client } from '../datastore/index.ts';
import { CalicoError } from '../errors/index.ts';

const ATTEMPTS = 10;

/**
 * Writes what `wanted` makes of the resource as it is now, or of an empty one where there is none; again where somebody was
 * quicker. Nothing is written where nothing differs. Resolves to what is stored. E_CONFLICT, E_INVALID, E_DATASTORE, and
 * what `wanted` throws.
 */
export async function change(
  client: Client,
  kind: string,
  name: string,
  wanted: (current: Resource) => Resource | Promise<Resource>,
): Promise<Resource> {
  for (let attempt = 1; ; attempt++) {
    const current = await client.find(kind, name);
    const next = await wanted(current ?? { apiVersion: 'projectcalico.org/v3', kind, metadata: { name }, spec: {} });
    if (current && isDeepStrictEqual(next, current)) return current;
    try {
      return current ? await client.update(next) : await client.create(next);
    } catch (error) {
      const lostRace = error instanceof CalicoError && ['E_EXISTS', 'E_CONFLICT', 'E_NOT_FOUND'].includes(error.code);
      if (!lostRace || attempt === ATTEMPTS) throw error;
    }
  }
}
