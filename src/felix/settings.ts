/** From Felix's parameters to what the dataplane is told. */
import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import type { FelixConfig } from '../config/index.ts';
import { rulesConfig } from '../config/index.ts';
import type { DataplaneConfig, VxlanConfig } from '../dataplane/index.ts';

const DEFAULT_SET_SIZE = 1_048_576;

/** What the configuration leaves to this host to say. */
export interface HostFacts {
  readonly hasIpv6: boolean;
  /** What metadataAddr stands for; null: nothing that is known. */
  readonly metadataAddress: string | null;
}

export async function hostFacts({ metadataAddr }: FelixConfig): Promise<HostFacts> {
  // An address stands for itself.
  const found = metadataAddr === '' ? null : await lookup(metadataAddr, 4).catch(() => null);
  return { hasIpv6: existsSync('/proc/sys/net/ipv6'), metadataAddress: found?.address ?? null };
}

export function dataplaneConfig(config: FelixConfig, host: HostFacts): DataplaneConfig {
  return {
    families: config.ipv6Support && host.hasIpv6 ? [4, 6] : [4],
    rules: rulesConfig(config, host.metadataAddress),
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
    maxSetSize: setSize(config.maxIpsetSize),
    routeProtocol: config.deviceRouteProtocol,
    routeSources: routeSources(config),
    externalHosts: config.externalNodesCIDRList,
    excludedInterfaces: config.interfaceExclude.map(({ source }) => source),
    netlinkTimeout: Math.max(0, config.netlinkTimeoutSecs) * 1000,
    removeExternalRoutes: config.removeExternalRoutes,
    ...(config.vxlanEnabled && { vxlan: vxlanConfig(config) }),
  };
}

/** deviceRouteSourceAddress is taken to be IPv4's; v3.15 does not check that it is. */
function routeSources(config: FelixConfig): DataplaneConfig['routeSources'] {
  const v4 = config.deviceRouteSourceAddress;
  const v6 = config.deviceRouteSourceAddressIPv6;
  return { ...(v4 && !v4.includes(':') && { 4: v4 }), ...(v6 && { 6: v6 }) };
}

function vxlanConfig(config: FelixConfig): VxlanConfig {
  const address = config.ipv4VXLANTunnelAddr;
  const mac = config.vxlanTunnelMACAddr;
  return {
    id: config.vxlanVNI,
    port: config.vxlanPort,
    mtu: config.vxlanMTU,
    ...(address && { address }),
    ...(mac !== '' && { mac: mac.toLowerCase() }),
  };
}

/** What is taken as upstream takes it, but no set can have, is as if it were not given: the kernel's number has 32 bits. */
export function setSize(maxIpsetSize: number): number {
  return maxIpsetSize >= 1 && maxIpsetSize < 2 ** 32 ? maxIpsetSize : DEFAULT_SET_SIZE;
}
