/** What every cluster and every node has in the datastore, for whoever asks: made where it is missing, never changed otherwise. */
import type { Resource } from '../api/index.ts';
import type { Client } from '../datastore/index.ts';
import { CalicoError } from '../errors/index.ts';
import { change } from './change.ts';
import type { Start } from './start.ts';

/** Felix' own defaults would have it log errors only, and report twice a minute what hosts outside OpenStack do not need. */
const CLUSTER = { logSeverityScreen: 'Info', reportingInterval: '0s' };
/** Containers speak to services of the host that they run on. */
const NODE = { defaultEndpointToHostAction: 'Return' };

/** A FelixConfiguration that somebody has made unusable does not keep the node from starting: Felix says what it makes of it. */
export async function ensureDefaults({ client, env, name, log }: Start): Promise<void> {
  await ensureClusterInformation(client, env.CLUSTER_TYPE ?? '');
  for (const [of, fields] of [
    ['default', CLUSTER],
    [`node.${name}`, NODE],
  ] as const) {
    await ensureFields(client, of, fields).catch((error) => {
      if (!(error instanceof CalicoError && error.code === 'E_INVALID')) throw error;
      log.warn({ error: String(error) }, 'a FelixConfiguration does not get its defaults');
    });
  }
}

/**
 * With an identity, ready (unless it says that it is not), and with these among its types. No version of Calico: upstream's
 * programs would take ours for one of theirs.
 */
async function ensureClusterInformation(client: Client, types: string): Promise<void> {
  await change(client, 'ClusterInformation', 'default', (current) => {
    const spec = current.spec ?? {};
    const known = String(spec.clusterType ?? '');
    const clusterType = [...new Set([...known.split(','), ...types.split(',')])]
      .filter((type) => type.trim() !== '')
      .join(',');
    return {
      ...current,
      spec: {
        ...spec,
        clusterGUID: spec.clusterGUID || client.newUuid().replaceAll('-', ''),
        ...(clusterType !== '' && clusterType !== known && { clusterType }),
        datastoreReady: spec.datastoreReady ?? true,
      },
    };
  });
}

async function ensureFields(client: Client, name: string, fields: Record<string, unknown>): Promise<void> {
  await change(client, 'FelixConfiguration', name, (current: Resource) => {
    const missing = Object.entries(fields).filter(([field]) => (current.spec?.[field] ?? '') === '');
    return { ...current, spec: { ...current.spec, ...Object.fromEntries(missing) } };
  });
}
