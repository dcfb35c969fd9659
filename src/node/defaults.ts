/** What every cluster and every node has in the datastore, for whoever asks: made where it is missing, never changed otherwise. */
import type { Resource } from '../api/index.ts';
import type { Client } from '../datastore/index.ts';
import { change } from './change.ts';
import type { Environment } from './variables.ts';

/** Felix' own defaults would have it log errors only, and report twice a minute what hosts outside OpenStack do not need. */
const CLUSTER = { logSeverityScreen: 'Info', reportingInterval: '0s' };
/** Containers speak to services of the host that they run on. */
const NODE = { defaultEndpointToHostAction: 'Return' };

export async function ensureDefaults(client: Client, env: Environment, node: string): Promise<void> {
  await ensureClusterInformation(client, env.CLUSTER_TYPE ?? '');
  await ensureFields(client, 'default', CLUSTER);
  await ensureFields(client, `node.${node}`, NODE);
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
