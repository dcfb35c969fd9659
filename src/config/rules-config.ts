/** From Felix's parameters to what chains depend on: for Felix, and for whoever asks what Felix would do. */
import { parseIp, TCP, UDP } from '../net/index.ts';
import { DEFAULT_RULES_CONFIG, markBits, type ProtocolPort, type RulesConfig } from '../rules/index.ts';
import type { ProtocolPort as ParameterPort } from './parameter-type.ts';
import type { FelixConfig } from './parameters.ts';

/** `metadata`: the address that metadataAddr stands for; null: none is known. A name as it is stands for none. */
export function rulesConfig(config: FelixConfig, metadata: string | null = config.metadataAddr): RulesConfig {
  const metadataAddress = parseIp(metadata ?? '');
  return {
    ...DEFAULT_RULES_CONFIG,
    interfacePrefixes: config.interfacePrefix,
    marks: markBits(config.iptablesMarkMask),
    endpointToHostAction: lower(config.defaultEndpointToHostAction) || 'drop',
    filterAllowAction: lower(config.iptablesFilterAllowAction) || 'accept',
    mangleAllowAction: lower(config.iptablesMangleAllowAction) || 'accept',
    filterDenyAction: lower(config.iptablesFilterDenyAction),
    denyInvalid: !config.disableConntrackInvalidCheck,
    logPrefix: config.logPrefix,
    failsafeInbound: config.failsafeInboundHostPorts.map(failsafe),
    failsafeOutbound: config.failsafeOutboundHostPorts.map(failsafe),
    ipip: config.ipInIpEnabled,
    vxlan: config.vxlanEnabled,
    vxlanPort: config.vxlanPort,
    allowVxlanFromWorkloads: config.allowVXLANPacketsFromWorkloads,
    allowIpipFromWorkloads: config.allowIPIPPacketsFromWorkloads,
    workloadSourceSpoofing: config.workloadSourceSpoofing === 'Any',
    serviceLoopPrevention: lower(config.serviceLoopPrevention) || 'disabled',
    natOutgoingExcludesHosts: config.natOutgoingExclusions === 'IPPoolsAndHostIPs',
    ...(config.vxlanEnabled && { vxlanTunnelDevice: 'vxlan.calico' }),
    ...(config.natPortRange && { natPortRange: config.natPortRange }),
    ...(config.natOutgoingAddress && { natOutgoingAddress: config.natOutgoingAddress }),
    ...(config.iptablesNATOutgoingInterfaceFilter !== '' && {
      natOutgoingInterface: config.iptablesNATOutgoingInterfaceFilter,
    }),
    // OpenStack's interfaces are taps, and nobody else's.
    openstack: config.interfacePrefix.includes('tap'),
    ...(metadataAddress && { metadata: { address: metadataAddress, port: config.metadataPort } }),
  };
}

function failsafe({ protocol, port, net }: ParameterPort): ProtocolPort {
  return { protocol: protocol === 'tcp' ? TCP : UDP, port, ...(net && { net }) };
}

function lower<T extends string>(text: T): Lowercase<T> {
  return text.toLowerCase() as Lowercase<T>;
}
