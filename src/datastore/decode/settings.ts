/** Node, IPPool, ClusterInformation. */
import type { ClusterInformation, Encapsulation, IPPool, Node, ResourceId } from '../../model/index.ts';
import { type Cidr, type Family, familyOf, type Ip, parseCidr, parseIp } from '../../net/index.ts';
import { parseSelector } from '../../selector/index.ts';
import * as read from './read.ts';

export function node(id: ResourceId<'Node'>, spec: read.Fields, metadata: read.Fields): Node {
  const bgp = read.object(spec.bgp, 'spec.bgp');
  const v4 = address(bgp.ipv4Address, 'spec.bgp.ipv4Address', 4);
  const v6 = address(bgp.ipv6Address, 'spec.bgp.ipv6Address', 6);
  return read.present<Node>({
    id,
    labels: read.labels(metadata.labels, 'metadata.labels'),
    ipv4: v4?.ip,
    ipv6: v6?.ip,
    ipv4Net: v4?.net,
    ipv6Net: v6?.net,
    asNumber: asNumber(bgp.asNumber, 'spec.bgp.asNumber'),
    routeReflectorClusterId: optionalText(bgp.routeReflectorClusterID, 'spec.bgp.routeReflectorClusterID'),
    ipv4IpipTunnel: address(bgp.ipv4IPIPTunnelAddr, 'spec.bgp.ipv4IPIPTunnelAddr', 4)?.ip,
    ipv4VxlanTunnel: address(spec.ipv4VXLANTunnelAddr, 'spec.ipv4VXLANTunnelAddr', 4)?.ip,
    ipv6VxlanTunnel: address(spec.ipv6VXLANTunnelAddr, 'spec.ipv6VXLANTunnelAddr', 6)?.ip,
    vxlanTunnelMac: optionalText(spec.vxlanTunnelMACAddr, 'spec.vxlanTunnelMACAddr'),
    vxlanTunnelMacV6: optionalText(spec.vxlanTunnelMACAddrV6, 'spec.vxlanTunnelMACAddrV6'),
  });
}

export function ipPool(id: ResourceId<'IPPool'>, spec: read.Fields): IPPool {
  const cidr = read.cidr(spec.cidr, 'spec.cidr');
  return read.present<IPPool>({
    id,
    cidr,
    ipip: encapsulation(spec.ipipMode, 'spec.ipipMode'),
    vxlan: encapsulation(spec.vxlanMode, 'spec.vxlanMode'),
    natOutgoing: read.flag(spec.natOutgoing, 'spec.natOutgoing'),
    disabled: read.flag(spec.disabled, 'spec.disabled'),
    blockSize: read.integer(spec.blockSize, 'spec.blockSize') ?? (cidr.includes(':') ? 122 : 26),
    nodeSelector: selector(spec.nodeSelector, 'spec.nodeSelector') ?? 'all()',
    disableBgpExport: read.flag(spec.disableBGPExport, 'spec.disableBGPExport') || undefined,
  });
}

export function clusterInformation(id: ResourceId<'ClusterInformation'>, spec: read.Fields): ClusterInformation {
  return {
    id,
    clusterGuid: read.text(spec.clusterGUID, 'spec.clusterGUID'),
    datastoreReady: read.flag(spec.datastoreReady, 'spec.datastoreReady'),
  };
}

/** `10.0.0.1/24` as address and network; a bare address has no network. */
function address(value: unknown, field: string, family: Family): { ip: Ip; net: Cidr | undefined } | null {
  const written = read.text(value, field);
  if (written === '') return null;
  const ip = parseIp(written.split('/')[0] as string);
  const net = parseCidr(written);
  if (!ip || !net || familyOf(ip) !== family)
    throw new read.Undecodable(field, value, `an IPv${family} address or prefix`);
  return { ip, net: written.includes('/') ? net : undefined };
}

/** A number, or text as people write it (`64512`, `1.10`). Undefined for zero, which says that there is none. */
export function asNumber(value: unknown, field: string): number | undefined {
  if (value === undefined || value === null || value === 0 || value === '') return undefined;
  const dotted = typeof value === 'string' ? /^(\d+)\.(\d+)$/.exec(value) : null;
  const number = dotted ? Number(dotted[1]) * 65536 + Number(dotted[2]) : Number(value);
  if (!Number.isInteger(number) || number < 0 || number > 0xffffffff)
    throw new read.Undecodable(field, value, 'an AS number');
  return number;
}

function encapsulation(value: unknown, field: string): Encapsulation {
  switch (read.text(value, field).toLowerCase()) {
    case '':
    case 'never':
      return 'never';
    case 'always':
      return 'always';
    case 'crosssubnet':
      return 'cross-subnet';
    default:
      throw new read.Undecodable(field, value, 'Never, Always or CrossSubnet');
  }
}

export function selector(value: unknown, field: string): string | undefined {
  const written = optionalText(value, field);
  if (written !== undefined) parseSelector(written);
  return written;
}

export function optionalText(value: unknown, field: string): string | undefined {
  return read.text(value, field) || undefined;
}

export function optionalFlag(value: unknown, field: string): boolean | undefined {
  return value === undefined || value === null ? undefined : read.flag(value, field);
}
