/** Waits until the cluster says that its datastore may be used. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../datastore/index.ts';
import type { Logger } from './log.ts';

const RETRY_MS = 500;

/** Resolves when ClusterInformation `default` says datastoreReady: until then an upgrade or a migration is under way. */
export async function datastoreReady(client: Client, log: Logger): Promise<void> {
  for (let said = ''; ; await sleep(RETRY_MS)) {
    const obstacle = await whatIsMissing(client);
    if (obstacle === null) return;
    if (obstacle !== said) log.warn({ obstacle }, 'waiting for the datastore');
    said = obstacle;
  }
}

async function whatIsMissing(client: Client): Promise<string | null> {
  try {
    const information = await client.find('ClusterInformation', 'default');
    if (!information) return 'there is no ClusterInformation';
    const { datastoreReady: ready } = (information.spec ?? {}) as { datastoreReady?: boolean };
    return ready === true ? null : 'ClusterInformation says that it is not ready';
  } catch (error) {
    return String(error);
  }
}
