/** Several resources in two requests: one reads what is there, one writes. */
import type { Resource } from '../../api/index.ts';
import { Client } from '../../datastore/index.ts';
import { CalicoError } from '../../errors/index.ts';
import { StagedStore } from './staged-store.ts';

type Write = (client: Client, resource: Resource) => Promise<unknown>;

/**
 * What became of each resource. Those that cannot be written do not stop the others, and nobody else's change to one of
 * them does: then each is written by itself.
 */
export async function writeBatch(
  client: Client,
  resources: readonly Resource[],
  write: Write,
): Promise<readonly PromiseSettledResult<unknown>[]> {
  const each = (client: Client) => Promise.allSettled(resources.map((resource) => write(client, resource)));
  if (resources.length === 1) return each(client);
  const store = new StagedStore(client.store);
  const staged = await each(new Client(store));
  try {
    await store.commit();
    return staged;
  } catch (reason) {
    if (reason instanceof CalicoError && reason.code === 'E_CONFLICT') return each(client);
    return staged.map((result) => (result.status === 'rejected' ? result : { status: 'rejected', reason }));
  }
}
