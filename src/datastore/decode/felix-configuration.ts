/** FelixConfiguration: from fields of the resource to parameters of felix.cfg. */
import { parseDuration } from '../../api/duration.ts';
import type { FelixConfiguration, ResourceId } from '../../model/index.ts';
import * as read from './read.ts';
import { Salvage } from './salvage.ts';

/** Fields whose parameter has another name; for the others it is the field's, with a capital. */
const NAMES = new Map(
  Object.entries({
    ipipEnabled: 'IpInIpEnabled',
    ipipMTU: 'IpInIpMtu',
    externalNodesList: 'ExternalNodesCIDRList',
    wireguardKeepAlive: 'WireguardPersistentKeepAlive',
    bpfConntrackMode: 'BPFConntrackCleanupMode',
    iptablesPostWriteCheckInterval: 'IptablesPostWriteCheckIntervalSecs',
    iptablesLockTimeout: 'IptablesLockTimeoutSecs',
    iptablesLockProbeInterval: 'IptablesLockProbeIntervalMillis',
    netlinkTimeout: 'NetlinkTimeoutSecs',
    reportingInterval: 'ReportingIntervalSecs',
    reportingTTL: 'ReportingTTLSecs',
    endpointReportingDelay: 'EndpointReportingDelaySecs',
    usageReportingInitialDelay: 'UsageReportingInitialDelaySecs',
    usageReportingInterval: 'UsageReportingIntervalSecs',
  }),
);

/** Fields that hold a duration where the parameter is a number of seconds. */
const SECONDS = new Set(
  (
    'routeRefreshInterval interfaceRefreshInterval iptablesRefreshInterval iptablesPostWriteCheckInterval ' +
    'iptablesLockTimeout ipsetsRefreshInterval nftablesRefreshInterval xdpRefreshInterval netlinkTimeout ' +
    'reportingInterval reportingTTL endpointReportingDelay usageReportingInitialDelay usageReportingInterval ' +
    'flowLogsFlushInterval dataplaneWatchdogTimeout wireguardKeepAlive bpfKubeProxyMinSyncPeriod bpfIPFragTimeout ' +
    'localSubnetL2ReachabilityRefreshInterval liveMigrationRouteConvergenceTime debugSimulateCalcGraphHangAfter ' +
    'debugSimulateDataplaneHangAfter debugSimulateDataplaneApplyDelay'
  ).split(' '),
);
const MILLISECONDS = new Set(['iptablesLockProbeInterval']);

/** A field that cannot be read leaves the others in force. */
export function felixConfiguration(
  id: ResourceId<'FelixConfiguration'>,
  spec: read.Fields,
): read.Decoded<FelixConfiguration> {
  const parameters: Record<string, string> = {};
  const salvage = new Salvage();
  for (const field in spec) {
    const value = salvage.or('', () => parameter(field, spec[field]));
    if (value !== '') parameters[parameterName(field)] = value;
  }
  return salvage.decoded({ id, parameters });
}

/** `vxlanMTU` → `VXLANMTU`, `healthPort` → `HealthPort`. */
export function parameterName(field: string): string {
  const known = NAMES.get(field);
  if (known) return known;
  const acronym = /^(vxlan|bpf|nat|xdp)(?=[A-Z])/.exec(field)?.[0] ?? field.slice(0, 1);
  return acronym.toUpperCase() + field.slice(acronym.length);
}

/** The raw value; empty where there is nothing to set. */
function parameter(field: string, value: unknown): string {
  if (value === undefined || value === null) return '';
  if (SECONDS.has(field)) return String(duration(field, value) / 1e9);
  if (MILLISECONDS.has(field)) return String(duration(field, value) / 1e6);
  if (Array.isArray(value))
    return value.length === 0 ? 'none' : value.map((element) => listElement(field, element)).join(',');
  if (typeof value === 'object') return range(field, value as read.Fields);
  return String(value);
}

/** Nanoseconds. */
function duration(field: string, value: unknown): number {
  const parsed = typeof value === 'string' ? parseDuration(value) : null;
  if (parsed === null) throw new read.Undecodable(`spec.${field}`, value, 'a duration, such as 90s');
  return parsed;
}

/** A text, a port, or a protocol with a port and perhaps the other end's net. */
function listElement(field: string, value: unknown): string {
  if (value === null || typeof value !== 'object') return String(value);
  const { protocol, port, net } = value as read.Fields;
  const number = read.integer(port, `spec.${field}.port`);
  if (number === undefined) return range(field, value as read.Fields);
  const name = String(protocol ?? 'tcp').toLowerCase();
  const from = net === undefined || net === null || net === '' ? '' : `[${String(net)}]:`;
  return `${name}:${from}${number}`;
}

function range(field: string, { min, max }: read.Fields): string {
  if (!Number.isInteger(min) || !Number.isInteger(max))
    throw new read.Undecodable(`spec.${field}`, { min, max }, 'a range');
  return `${min}-${max}`;
}
