/** version: the handler. */
import { VERSION } from '../../program/index.ts';
import type { Io } from '../io.ts';
import { withClient } from '../session.ts';

export interface VersionOptions {
  readonly config?: string;
  readonly client?: boolean;
}

export async function version(io: Io, options: VersionOptions): Promise<void> {
  io.out(`Client Version:    ${VERSION}\nGit commit:        ${io.env.CALICO_COMMIT ?? 'unknown'}\n`);
  if (options.client) return;
  const { calicoVersion, clusterType } = await withClient(io, options.config, async (client) => {
    const cluster = await client.find('ClusterInformation', 'default');
    return { calicoVersion: cluster?.spec?.calicoVersion, clusterType: cluster?.spec?.clusterType };
  });
  io.out(`Cluster Version:   ${calicoVersion ?? 'unknown'}\nCluster Type:      ${clusterType ?? 'unknown'}\n`);
}
