/** Locking the datastore: while ClusterInformation says that it is not ready, nothing is taken from it. */
import type { Client } from '../../datastore/index.ts';
import { CalicoError } from '../../errors/index.ts';

const ATTEMPTS = 5;

/** Writes only what differs. Makes the cluster's information where there is none. */
export async function setReady(client: Client, ready: boolean): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write(client, ready);
    } catch (error) {
      const raced = error instanceof CalicoError && (error.code === 'E_CONFLICT' || error.code === 'E_EXISTS');
      if (!raced || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Throws E_NOT_LOCKED: `command` is for the hint. */
export async function checkLocked(client: Client, what: string): Promise<void> {
  const cluster = await client.find('ClusterInformation', 'default');
  if (cluster?.spec?.datastoreReady === false) return;
  throw new CalicoError('E_NOT_LOCKED', what, 'the datastore is not locked', {
    hint: 'lock it first: calicoctl datastore migrate lock',
  });
}

async function write(client: Client, ready: boolean): Promise<void> {
  const current = await client.find('ClusterInformation', 'default');
  if (current?.spec?.datastoreReady === ready) return;
  if (current) {
    await client.update({ ...current, spec: { ...current.spec, datastoreReady: ready } });
    return;
  }
  await client.create({
    apiVersion: 'projectcalico.org/v3',
    kind: 'ClusterInformation',
    metadata: { name: 'default' },
    spec: { clusterGUID: client.newUuid().replaceAll('-', ''), datastoreReady: ready },
  });
}
