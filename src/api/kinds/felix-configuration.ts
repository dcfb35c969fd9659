/** FelixConfiguration: settings of Felix for all hosts (`default`) or one (`node.NAME`). */
import * as z from 'zod';
import { duration } from '../duration-field.ts';
import {
  flagOrUnset,
  integer,
  intOrUnset,
  item,
  list,
  listOrUnset,
  omitted,
  oneOf,
  orElse,
  refined,
  text,
} from '../fields.ts';
import * as formats from '../formats.ts';
import { defineKind, part, resourceSchema } from '../kind.ts';
import { clusterMetadata } from '../metadata.ts';
import { newer, specDefaults } from '../newer.ts';
import { plainPort } from '../ports.ts';
import { reporter } from '../report.ts';
import { selector } from '../selector-field.ts';
import { NEWER_FELIX_DEFAULTS, newerFelixFields } from './felix-configuration-newer.ts';

const SEVERITIES = ['Debug', 'Info', 'Warning', 'Error', 'Fatal', 'Trace'] as const;
const UINT32 = 4294967295;
const MAX_TABLES = 65535;

const severity = () => oneOf(SEVERITIES);
const protoPorts = () =>
  listOrUnset(
    z.strictObject({
      protocol: orElse(text(), ''),
      port: orElse(omitted(integer({ min: 0, max: 65535 })), 0),
      ...newer({ net: text(formats.cidr) }),
    }),
  );

const tableRange = () =>
  refined(z.strictObject({ min: integer(), max: integer() }), ({ min, max }) =>
    min >= 1 && max >= min && max <= 250 ? null : 'must be a range of route tables within 1 to 250',
  );

/** In the order in which v3.15 stores them. */
const fields = () => ({
  ...newer({ nodeSelector: selector() }),
  useInternalDataplaneDriver: flagOrUnset(),
  dataplaneDriver: text(),
  ipv6Support: flagOrUnset(),
  routeRefreshInterval: duration(),
  iptablesRefreshInterval: duration(),
  iptablesPostWriteCheckInterval: duration(),
  iptablesLockFilePath: text(),
  iptablesLockTimeout: duration(),
  iptablesLockProbeInterval: duration(),
  ipsetsRefreshInterval: duration(),
  maxIpsetSize: intOrUnset(),
  iptablesBackend: oneOf(['Legacy', 'NFT', 'Auto']),
  xdpRefreshInterval: duration(),
  netlinkTimeout: duration(),
  metadataAddr: text(),
  metadataPort: intOrUnset(),
  openstackRegion: text(formats.shortLabel),
  interfacePrefix: text(),
  interfaceExclude: text(),
  chainInsertMode: text(),
  defaultEndpointToHostAction: oneOf(['Drop', 'Accept', 'Return']),
  iptablesFilterAllowAction: oneOf(['Accept', 'Return']),
  iptablesMangleAllowAction: oneOf(['Accept', 'Return']),
  logPrefix: text(),
  logFilePath: text(),
  logSeverityFile: severity(),
  logSeverityScreen: severity(),
  logSeveritySys: severity(),
  ipipEnabled: flagOrUnset(),
  ipipMTU: intOrUnset(),
  vxlanEnabled: flagOrUnset(),
  vxlanMTU: intOrUnset(),
  vxlanPort: intOrUnset(),
  vxlanVNI: intOrUnset(),
  reportingInterval: duration(),
  reportingTTL: duration(),
  endpointReportingEnabled: flagOrUnset(),
  endpointReportingDelay: duration(),
  iptablesMarkMask: intOrUnset({ min: 0, max: UINT32 }),
  disableConntrackInvalidCheck: flagOrUnset(),
  healthEnabled: flagOrUnset(),
  healthHost: text(),
  healthPort: intOrUnset(),
  prometheusMetricsEnabled: flagOrUnset(),
  prometheusMetricsHost: text(formats.host),
  prometheusMetricsPort: intOrUnset(),
  prometheusGoMetricsEnabled: flagOrUnset(),
  prometheusProcessMetricsEnabled: flagOrUnset(),
  failsafeInboundHostPorts: protoPorts(),
  failsafeOutboundHostPorts: protoPorts(),
  kubeNodePortRanges: omitted(
    z
      .array(plainPort)
      .max(7, 'must not have more than 7 ranges')
      .refine((ports) => ports.every((port) => /^\d/.test(String(port))), 'must be ports or ranges, not names'),
  ),
  policySyncPathPrefix: text(),
  usageReportingEnabled: flagOrUnset(),
  usageReportingInitialDelay: duration(),
  usageReportingInterval: duration(),
  natPortRange: omitted(plainPort),
  natOutgoingAddress: text(formats.ipv4),
  deviceRouteSourceAddress: text(formats.ipv4),
  deviceRouteProtocol: intOrUnset(),
  removeExternalRoutes: flagOrUnset(),
  externalNodesList: listOrUnset(item(formats.cidr)),
  debugMemoryProfilePath: text(),
  debugDisableLogDropping: flagOrUnset(),
  debugSimulateCalcGraphHangAfter: duration(),
  debugSimulateDataplaneHangAfter: duration(),
  iptablesNATOutgoingInterfaceFilter: text(formats.interfaceFilter),
  sidecarAccelerationEnabled: flagOrUnset(),
  xdpEnabled: flagOrUnset(),
  genericXDPEnabled: flagOrUnset(),
  ...newer({
    nftablesMode: oneOf(['Disabled', 'Enabled', 'Auto']),
    nftablesFlowTableOffload: oneOf(['All', 'Disabled']),
  }),
  bpfEnabled: flagOrUnset(),
  bpfDisableUnprivileged: flagOrUnset(),
  /** Always written, even when empty. */
  bpfLogLevel: oneOf(['Off', 'Info', 'Debug'])
    .transform((level) => level ?? '')
    .prefault('' as never),
  bpfDataIfacePattern: text(formats.regexp),
  bpfConnectTimeLoadBalancingEnabled: flagOrUnset(),
  bpfExternalServiceMode: oneOf(['Tunnel', 'DSR']),
  bpfKubeProxyIptablesCleanupEnabled: flagOrUnset(),
  bpfKubeProxyMinSyncPeriod: duration(),
  bpfKubeProxyEndpointSlicesEnabled: flagOrUnset(),
  routeSource: oneOf(['WorkloadIPs', 'CalicoIPAM']),
  routeTableRange: omitted(tableRange()),
  wireguardEnabled: flagOrUnset(),
  wireguardListeningPort: intOrUnset({ min: 1, max: 65535 }),
  wireguardRoutingRulePriority: intOrUnset({ min: 1, max: 32765 }),
  wireguardInterfaceName: text(formats.interfaceName),
  wireguardMTU: intOrUnset(),
  routeTableRanges: refined(
    list(z.strictObject({ min: integer({ min: 1 }), max: integer({ max: UINT32 }) })),
    (ranges) =>
      (ranges ?? []).reduce((tables, { min, max }) => tables + max - min + 1, 0) > MAX_TABLES
        ? `must not name more than ${MAX_TABLES} tables`
        : null,
  ),
});

const spec = () => part({ ...fields(), ...newerFelixFields() });

const schema = () =>
  resourceSchema('FelixConfiguration', clusterMetadata(formats.name), { spec: spec() }).superRefine(
    ({ spec }, context) => {
      if (spec.routeTableRange && spec.routeTableRanges)
        reporter(context)(['spec', 'routeTableRange'], 'must be left out beside routeTableRanges');
    },
  );

export const felixConfiguration = defineKind('FelixConfiguration', schema, {
  convert: specDefaults(NEWER_FELIX_DEFAULTS),
});
