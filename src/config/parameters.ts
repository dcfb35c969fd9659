/**
 * Every parameter of Felix v3.15, and those of newer versions that mean something here: type, raw default and flags. Its
 * name elsewhere (`FELIX_…`, felix.cfg, the datastore) is the property's name in any case. `…Secs`, and intervals and
 * delays without a unit, are in seconds. docs/reference/felix.md says what each does.
 */
import type { Parameter } from './parameter.ts';
import { parameter, required } from './parameter.ts';
import {
  address,
  authority,
  bool,
  endpoints,
  file,
  hostAddress,
  hostname,
  int,
  interfaceList,
  interfaceParameter,
  interfacePatterns,
  ipv4Cidrs,
  ipv6Address,
  markMask,
  millis,
  oneOf,
  portRange,
  portRanges,
  ports,
  regexp,
  region,
  seconds,
  string,
  tableRange,
} from './parameter-type.ts';

const severity = oneOf('DEBUG', 'INFO', 'WARNING', 'ERROR', 'FATAL');

export const PARAMETERS = {
  // This host, and the datastore
  felixHostname: required(hostname, '', 'local'),
  datastoreType: required(oneOf('kubernetes', 'etcdv3', 'files'), 'etcdv3', 'fatal', 'local'),
  /** Wins over etcdAddr and etcdScheme. */
  etcdEndpoints: parameter(endpoints, '', 'local'),
  etcdAddr: parameter(authority, '127.0.0.1:2379', 'local'),
  etcdScheme: parameter(oneOf('http', 'https'), 'http', 'local'),
  etcdKeyFile: parameter(file, '', 'local', 'must exist'),
  etcdCertFile: parameter(file, '', 'local', 'must exist'),
  etcdCaFile: parameter(file, '', 'local', 'must exist'),

  // Typha
  typhaAddr: parameter(authority, '', 'local'),
  typhaK8sServiceName: parameter(string, '', 'local'),
  typhaK8sNamespace: required(string, 'kube-system', 'local'),
  typhaReadTimeout: parameter(seconds, '30', 'local'),
  typhaWriteTimeout: parameter(seconds, '10', 'local'),
  typhaKeyFile: parameter(file, '', 'local', 'must exist'),
  typhaCertFile: parameter(file, '', 'local', 'must exist'),
  typhaCAFile: parameter(file, '', 'local', 'must exist'),
  typhaCN: parameter(string, '', 'local'),
  typhaURISAN: parameter(string, '', 'local'),

  // Endpoints
  interfacePrefix: required(interfaceList, 'cali', 'fatal'),
  interfaceExclude: parameter(interfacePatterns, 'kube-ipvs0'),
  ipv6Support: parameter(bool, 'true'),
  defaultEndpointToHostAction: required(oneOf('DROP', 'RETURN', 'ACCEPT'), 'DROP', 'fatal'),
  failsafeInboundHostPorts: parameter(
    ports,
    'tcp:22,udp:68,tcp:179,tcp:2379,tcp:2380,tcp:5473,tcp:6443,tcp:6666,tcp:6667',
    'fatal',
  ),
  failsafeOutboundHostPorts: parameter(
    ports,
    'udp:53,udp:67,tcp:179,tcp:2379,tcp:2380,tcp:5473,tcp:6443,tcp:6666,tcp:6667',
    'fatal',
  ),
  disableConntrackInvalidCheck: parameter(bool, 'false'),
  workloadSourceSpoofing: parameter(oneOf('Disabled', 'Any'), 'Disabled'),
  allowVXLANPacketsFromWorkloads: parameter(bool, 'false'),
  allowIPIPPacketsFromWorkloads: parameter(bool, 'false'),
  policySyncPathPrefix: parameter(file, ''),
  sidecarAccelerationEnabled: parameter(bool, 'false'),

  // OpenStack and Kubernetes
  metadataAddr: parameter(hostname, '127.0.0.1', 'fatal'),
  metadataPort: parameter(int(0, 65535), '8775', 'fatal'),
  openstackRegion: parameter(region, '', 'fatal'),
  kubeNodePortRanges: parameter(portRanges, '30000:32767'),
  serviceLoopPrevention: parameter(oneOf('Drop', 'Reject', 'Disabled'), 'Drop'),

  // iptables and IP sets
  iptablesBackend: parameter(oneOf('legacy', 'nft', 'auto'), 'legacy'),
  chainInsertMode: required(oneOf('insert', 'append'), 'insert', 'fatal'),
  iptablesFilterAllowAction: required(oneOf('ACCEPT', 'RETURN'), 'ACCEPT', 'fatal'),
  iptablesMangleAllowAction: required(oneOf('ACCEPT', 'RETURN'), 'ACCEPT', 'fatal'),
  iptablesFilterDenyAction: required(oneOf('DROP', 'REJECT'), 'DROP', 'fatal'),
  iptablesMarkMask: required(markMask, '0xffff0000', 'fatal'),
  iptablesRefreshInterval: parameter(seconds, '90'),
  iptablesPostWriteCheckIntervalSecs: parameter(seconds, '1'),
  iptablesLockFilePath: parameter(file, '/run/xtables.lock'),
  iptablesLockTimeoutSecs: parameter(seconds, '0'),
  iptablesLockProbeIntervalMillis: parameter(millis, '50'),
  iptablesNATOutgoingInterfaceFilter: parameter(interfaceParameter, ''),
  natPortRange: parameter(portRange, ''),
  natOutgoingAddress: parameter(address, ''),
  natOutgoingExclusions: parameter(oneOf('IPPoolsOnly', 'IPPoolsAndHostIPs'), 'IPPoolsOnly'),
  ipsetsRefreshInterval: parameter(seconds, '10'),
  maxIpsetSize: required(int(), '1048576'),
  logPrefix: parameter(string, 'calico-packet'),

  // Routes
  routeSource: parameter(oneOf('WorkloadIPs', 'CalicoIPAM'), 'CalicoIPAM'),
  routeRefreshInterval: parameter(seconds, '90'),
  routeTableRange: parameter(tableRange, '1-250', 'fatal'),
  deviceRouteSourceAddress: parameter(address, ''),
  deviceRouteSourceAddressIPv6: parameter(ipv6Address, ''),
  deviceRouteProtocol: parameter(int(), '3'),
  removeExternalRoutes: parameter(bool, 'true'),
  netlinkTimeoutSecs: parameter(seconds, '10'),
  externalNodesCIDRList: parameter(ipv4Cidrs, '', 'fatal'),

  // Tunnels
  ipInIpEnabled: parameter(bool, 'false'),
  ipInIpMtu: required(int(), '1440'),
  ipInIpTunnelAddr: parameter(address, ''),
  /** Interfaces by which packets leave for other hosts: what they can carry decides of tunnels' MTUs. */
  mtuIfacePattern: parameter(regexp, '^((en|wl|ww|sl|ib)[Pcopsvx].*|(eth|wlan|wwan).*)'),
  vxlanEnabled: parameter(bool, 'false'),
  vxlanPort: parameter(int(), '4789'),
  vxlanVNI: parameter(int(), '4096'),
  vxlanMTU: required(int(), '1410'),
  vxlanMTUV6: parameter(int(), '0'),
  ipv4VXLANTunnelAddr: parameter(address, ''),
  ipv6VXLANTunnelAddr: parameter(ipv6Address, ''),
  vxlanTunnelMACAddr: parameter(string, ''),
  vxlanTunnelMACAddrV6: parameter(string, ''),
  wireguardEnabled: parameter(bool, 'false'),
  wireguardListeningPort: parameter(int(), '51820'),
  wireguardRoutingRulePriority: parameter(int(), '99'),
  wireguardInterfaceName: required(interfaceParameter, 'wireguard.cali'),
  wireguardMTU: required(int(), '1420'),

  // Logs, health, metrics, status
  logFilePath: parameter(file, '/var/log/calico/felix.log', 'fatal'),
  logSeverityFile: parameter(severity, 'INFO'),
  logSeverityScreen: parameter(severity, 'INFO'),
  logSeveritySys: parameter(severity, 'INFO'),
  healthEnabled: parameter(bool, 'false'),
  healthPort: parameter(int(0, 65535), '9099'),
  healthHost: parameter(hostAddress, 'localhost'),
  prometheusMetricsEnabled: parameter(bool, 'false'),
  prometheusMetricsHost: parameter(hostAddress, ''),
  prometheusMetricsPort: parameter(int(0, 65535), '9091'),
  prometheusGoMetricsEnabled: parameter(bool, 'true'),
  prometheusProcessMetricsEnabled: parameter(bool, 'true'),
  reportingIntervalSecs: parameter(seconds, '30'),
  reportingTTLSecs: parameter(seconds, '90'),
  endpointReportingEnabled: parameter(bool, 'false'),
  endpointReportingDelaySecs: parameter(seconds, '1'),
  usageReportingEnabled: parameter(bool, 'true'),
  usageReportingInitialDelaySecs: parameter(seconds, '300'),
  usageReportingIntervalSecs: parameter(seconds, '86400'),
  clusterGUID: parameter(string, 'baddecaf'),
  clusterType: parameter(string, ''),
  calicoVersion: parameter(string, ''),
  variant: parameter(string, 'Calico'),

  // Other dataplanes
  useInternalDataplaneDriver: parameter(bool, 'true'),
  dataplaneDriver: required(file, 'calico-iptables-plugin', 'fatal', 'must exist'),
  xdpEnabled: parameter(bool, 'true'),
  xdpRefreshInterval: parameter(seconds, '90'),
  genericXDPEnabled: parameter(bool, 'false'),
  bpfEnabled: parameter(bool, 'false'),
  bpfDisableUnprivileged: parameter(bool, 'true'),
  bpfLogLevel: required(oneOf('off', 'info', 'debug'), 'off'),
  bpfDataIfacePattern: parameter(regexp, '^(en.*|eth.*|tunl0$)'),
  bpfConnectTimeLoadBalancingEnabled: parameter(bool, 'true'),
  bpfExternalServiceMode: required(oneOf('tunnel', 'dsr'), 'tunnel'),
  bpfKubeProxyIptablesCleanupEnabled: parameter(bool, 'true'),
  bpfKubeProxyMinSyncPeriod: parameter(seconds, '1'),
  bpfKubeProxyEndpointSlicesEnabled: parameter(bool, 'false'),

  // Debugging
  debugBPFCgroupV2: parameter(string, '', 'local'),
  debugBPFMapRepinEnabled: parameter(bool, 'true', 'local'),
  debugMemoryProfilePath: parameter(file, ''),
  debugCPUProfilePath: parameter(file, '/tmp/felix-cpu-<timestamp>.pprof'),
  debugDisableLogDropping: parameter(bool, 'false'),
  debugSimulateCalcGraphHangAfter: parameter(seconds, '0'),
  debugSimulateDataplaneHangAfter: parameter(seconds, '0'),
  debugPanicAfter: parameter(seconds, '0'),
  debugSimulateDataRace: parameter(bool, 'false'),
};

export type ParameterName = keyof typeof PARAMETERS;

type ValueOf<P> = P extends Parameter<infer V> ? V : never;

/** Every parameter's value in force. */
export type FelixConfig = { readonly [N in ParameterName]: ValueOf<(typeof PARAMETERS)[N]> } & {
  /** Those that some source sets, be it to their default. */
  readonly given: readonly ParameterName[];
};
