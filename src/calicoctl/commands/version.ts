/** version: the handler. */
import { withClient } from '../session.ts';

export interface VersionOptions {
  readonly config?: string;
  readonly client?: boolean;
}

/** This program's version. Upstream's versions are of another program, so ours counts by itself. */
export const VERSION = 'v0.1.0';

export async function version(options: VersionOptions): Promise<void> {
  process.stdout.write(`Client Version:    ${VERSION}\nGit commit:        ${process.env.CALICO_COMMIT ?? 'unknown'}\n`);
  if (options.client) return;
  const { calicoVersion, clusterType } = await withClient(options.config, async (client) => {
    const cluster = await client.find('ClusterInformation', 'default');
    return { calicoVersion: cluster?.spec?.calicoVersion, clusterType: cluster?.spec?.clusterType };
  });
  process.stdout.write(
    `Cluster Version:   ${calicoVersion ?? 'unknown'}\nCluster Type:      ${clusterType ?? 'unknown'}\n`,
  );
}
