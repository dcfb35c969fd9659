/** Node: a host that runs Calico. */
import * as z from 'zod';
import { item, list, omitted, orElse, struct, text } from '../fields.ts';
import * as formats from '../formats.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { clusterMetadata } from '../metadata.ts';
import { asNumber } from '../ports.ts';

const bgp = () =>
  struct({
    asNumber: omitted(asNumber),
    ipv4Address: text(formats.cidrv4),
    ipv6Address: text(formats.cidrv6),
    ipv4IPIPTunnelAddr: text(formats.ipv4),
    routeReflectorClusterID: text(formats.ipv4),
  }).refine(
    (value) => !value || Object.values(value).some((field) => field !== undefined),
    'must not be empty: leave it out',
  );

const spec = () =>
  part({
    bgp: bgp(),
    ipv4VXLANTunnelAddr: text(formats.ipv4),
    vxlanTunnelMACAddr: text(formats.mac),
    ipv6VXLANTunnelAddr: text(formats.ipv6),
    vxlanTunnelMACAddrV6: text(formats.mac),
    orchRefs: list(z.strictObject({ nodeName: text(), orchestrator: orElse(text(), '') })),
    wireguard: struct({ interfaceIPv4Address: text(formats.ipv4), interfaceIPv6Address: text(formats.ipv6) }),
    addresses: list(z.strictObject({ address: item(formats.cidr), type: text() })),
  });

const status = () =>
  part({
    wireguardPublicKey: text(formats.wireguardKey),
    wireguardPublicKeyV6: text(formats.wireguardKey),
    podCIDRs: list(item()),
  });

const schema = () => resourceSchema('Node', clusterMetadata(formats.name), { spec: spec(), status: status() });

export const node = defineKind('Node', schema);
