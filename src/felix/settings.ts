/** From Felix's parameters to what the dataplane is told. */

import type { FelixConfig } from '../config/index.ts';
import { rulesConfig } from '../config/index.ts';
import type { DataplaneConfig } from '../dataplane/index.ts';

export function dataplaneConfig(config: FelixConfig): DataplaneConfig {
  return {
    families: config.ipv6Support ? [4, 6] : [4],
    rules: rulesConfig(config),
    iptables: {
      backend: config.iptablesBackend || 'auto',
      insertMode: config.chainInsertMode === 'append' ? 'append' : 'insert',
      lockFile: config.iptablesLockFilePath,
      lockTimeout: config.iptablesLockTimeoutSecs,
    },
    refresh: {
      iptables: config.iptablesRefreshInterval,
      routes: config.routeRefreshInterval,
      ipsets: config.ipsetsRefreshInterval,
    },
    maxSetSize: config.maxIpsetSize,
    routeProtocol: config.deviceRouteProtocol,
    removeExternalRoutes: config.removeExternalRoutes,
  };
}
