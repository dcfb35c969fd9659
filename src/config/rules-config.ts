/** From Felix's parameters to what chains depend on: for Felix, and for whoever asks what Felix would do. */
import { parseIp, TCP, UDP } from '../net/index.ts';
import {
  DEFAULT_RULES_CONFIG,
  type EncapsulationConfig,
  markBits,
  type ProtocolPort,
  type RulesConfig,
} from '../rules/index.ts';
import type { PortParameter } from './parameter-type.ts';
import type { FelixConfig } from './parameters.ts';

/**
 * Which encapsulations the configuration leaves to pools: those that it says nothing of. IPv6's VXLAN is on with pools only,
 * as upstream's.
 */
export function encapsulationConfig(config: FelixConfig): EncapsulationConfig {
  const { given, ipInIpEnabled, vxlanEnabled, ipv6Support } = config;
  const ipip = !given.includes('ipInIpEnabled') ? 'by pools' : ipInIpEnabled && 'on';
  const vxlan = !given.includes('vxlanEnabled') ? 'by pools' : vxlanEnabled && 'on';
  return {
    ...(ipip && { ipip4: ipip }),
    ...(vxlan && { vxlan4: vxlan }),
    ...(vxlan && ipv6Support && { vxlan6: 'by pools' }),
  };
}

/** Encapsulations aside: `withEncapsulations`. `metadata`: the address that metadataAddr stands for; null: none is known. A name as it is stands for none. */
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
    vxlanPort: config.vxlanPort,
    allowVxlanFromWorkloads: config.allowVXLANPacketsFromWorkloads,
    allowIpipFromWorkloads: config.allowIPIPPacketsFromWorkloads,
    workloadSourceSpoofing: config.workloadSourceSpoofing === 'Any',
    serviceLoopPrevention: lower(config.serviceLoopPrevention) || 'disabled',
    natOutgoingExcludesHosts: config.natOutgoingExclusions === 'IPPoolsAndHostIPs',
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

function failsafe({ protocol, port, net }: PortParameter): ProtocolPort {
  return { protocol: protocol === 'tcp' ? TCP : UDP, port, ...(net && { net }) };
}

function lower<T extends string>(text: T): Lowercase<T> {
  return text.toLowerCase() as Lowercase<T>;
}
