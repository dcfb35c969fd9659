/** What a command would do, found out by doing it to a copy; and doing it all at once. */
import { fromStored, type Resource } from '../../api/index.ts';
import { Client } from '../../datastore/index.ts';
import type { Io } from '../io.ts';
import type { Outcome } from '../outcome.ts';
import { type Change, StagedStore } from './staged-store.ts';

type Work = (client: Client) => Promise<Outcome>;

/** Does the work to a copy of the datastore, and prints a line for each resource that would change. */
export async function rehearse(io: Io, client: Client, work: Work): Promise<Outcome> {
  const store = new StagedStore(client.store);
  const outcome = await work(new Client(store));
  for (const change of store.changes()) io.out(`${nameOf(change)} would be ${effectOf(change)}\n`);
  return outcome;
}

/** Does all of the work in one transaction, or none of it. */
export async function writeAtOnce(client: Client, work: Work): Promise<Outcome> {
  const store = new StagedStore(client.store);
  const outcome = await work(new Client(store));
  if (outcome.errors.length === 0) await store.commit();
  return outcome;
}

/** `NetworkPolicy prod/allow-db`; the key of what is no resource. */
export function nameOf({ key, before, after }: Change): string {
  const resource = resourceOf(after ?? before?.value ?? null);
  if (!resource) return key;
  const { name, namespace } = resource.metadata;
  return `${resource.kind} ${namespace ? `${namespace}/` : ''}${name}`;
}

export function effectOf({ before, after }: Change): 'created' | 'changed' | 'deleted' {
  if (!before) return 'created';
  return after === null ? 'deleted' : 'changed';
}

export function resourceOf(stored: string | null): Resource | null {
  try {
    return stored === null ? null : fromStored(stored);
  } catch {
    return null;
  }
}
