/** From Felix's parameters to what the dataplane is told. */
import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import type { FelixConfig } from '../config/index.ts';
import { encapsulationConfig, rulesConfig } from '../config/index.ts';
import type { DataplaneConfig, IpipConfig, MtuRule, VxlanConfig } from '../dataplane/index.ts';

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
    ...checkAfterWrite(config),
    maxSetSize: setSize(config.maxIpsetSize),
    routeProtocol: config.deviceRouteProtocol,
    routeSources: routeSources(config),
    externalHosts: config.externalNodesCIDRList,
    excludedInterfaces: config.interfaceExclude.map(({ source }) => source),
    netlinkTimeout: Math.max(0, config.netlinkTimeoutSecs) * 1000,
    removeExternalRoutes: config.removeExternalRoutes,
    encapsulations: encapsulationConfig(config),
    ipip: ipipConfig(config),
    vxlan: vxlanConfig(config),
    uplinks: (config.mtuIfacePattern ?? /^$/).source,
  };
}

/** Where somebody asks for it: what restores report suffices, and to read all chains again costs what exists. */
function checkAfterWrite(config: FelixConfig): Pick<DataplaneConfig, 'checkAfterWrite'> {
  const seconds = config.iptablesPostWriteCheckIntervalSecs;
  const isAsked = config.given.includes('iptablesPostWriteCheckIntervalSecs') && seconds > 0;
  return isAsked ? { checkAfterWrite: seconds } : {};
}

/** deviceRouteSourceAddress is taken to be IPv4's; v3.15 does not check that it is. */
function routeSources(config: FelixConfig): DataplaneConfig['routeSources'] {
  const v4 = config.deviceRouteSourceAddress;
  const v6 = config.deviceRouteSourceAddressIPv6;
  return { ...(v4 && !v4.includes(':') && { 4: v4 }), ...(v6 && { 6: v6 }) };
}

function ipipConfig(config: FelixConfig): IpipConfig {
  const address = config.ipInIpTunnelAddr;
  return { mtu: mtuRule(config, 'ipInIpMtu'), ...(address && { address }) };
}

function vxlanConfig(config: FelixConfig): VxlanConfig {
  return {
    id: config.vxlanVNI,
    port: config.vxlanPort,
    4: vxlanEnd(mtuRule(config, 'vxlanMTU'), config.ipv4VXLANTunnelAddr, config.vxlanTunnelMACAddr),
    6: vxlanEnd(mtuRule(config, 'vxlanMTUV6'), config.ipv6VXLANTunnelAddr, config.vxlanTunnelMACAddrV6),
  };
}

function vxlanEnd(mtu: MtuRule, address: FelixConfig['ipv4VXLANTunnelAddr'], mac: string): VxlanConfig[4] {
  return { mtu, ...(address && { address }), ...(mac !== '' && { mac: mac.toLowerCase() }) };
}

/** 0: as much as the host's interfaces can carry. The default is no more than v3.15's, and less where they carry less. */
function mtuRule(config: FelixConfig, name: 'ipInIpMtu' | 'vxlanMTU' | 'vxlanMTUV6'): MtuRule {
  const mtu = config[name];
  if (mtu <= 0) return {};
  return config.given.includes(name) ? { exactly: mtu } : { most: mtu };
}

/** What is taken as upstream takes it, but no set can have, is as if it were not given: the kernel's number has 32 bits. */
export function setSize(maxIpsetSize: number): number {
  return maxIpsetSize >= 1 && maxIpsetSize < 2 ** 32 ? maxIpsetSize : DEFAULT_SET_SIZE;
}
