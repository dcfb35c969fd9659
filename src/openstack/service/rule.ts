/** From a security group's rule to a policy's. */
import { familyOf, parseCidr } from '../../net/index.ts';
import { groupLabel } from './labels.ts';
import type { AddressGroup, SecurityGroupRule } from './neutron.ts';
import { icmpName, protocolOf } from './protocols.ts';

export interface PolicyRule {
  readonly action: 'Allow';
  readonly ipVersion: 4 | 6;
  readonly protocol?: string | number;
  readonly icmp?: { readonly type: number; readonly code?: number };
  readonly source?: Entity;
  readonly destination?: Entity;
}

interface Entity {
  nets?: readonly string[];
  selector?: string;
  ports?: readonly (string | number)[];
}

/**
 * What the rule allows; the reason where it allows nothing that could be said: rules only ever allow, so that one left out
 * lets nothing through that should not pass.
 */
export function ruleOf(rule: SecurityGroupRule, addressGroups: readonly AddressGroup[]): PolicyRule | string {
  const ipVersion = rule.ethertype === 'IPv4' ? 4 : rule.ethertype === 'IPv6' ? 6 : null;
  if (ipVersion === null) return `its ethertype is '${rule.ethertype}'`;
  const service = serviceOf(rule, ipVersion);
  if (typeof service === 'string') return service;
  const remote = remoteOf(rule, ipVersion, addressGroups);
  if (typeof remote === 'string') return remote;
  const ports = service.ports && { ports: service.ports };
  const egress = rule.direction === 'egress';
  const destination = egress ? { ...remote, ...ports } : { ...ports };
  return {
    action: 'Allow',
    ipVersion,
    ...service.what,
    ...(!egress && remote ? { source: remote } : {}),
    ...(Object.keys(destination).length > 0 ? { destination } : {}),
  };
}

interface Service {
  readonly what: Pick<PolicyRule, 'protocol' | 'icmp'>;
  readonly ports?: Entity['ports'];
}

function serviceOf(rule: SecurityGroupRule, ipVersion: 4 | 6): Service | string {
  const { protocol: text, port_range_min: min, port_range_max: max } = rule;
  const ranged = min !== null || max !== null;
  if (text === null || text === 'any') return ranged ? 'it has ports and no protocol' : { what: {} };
  const protocol = protocolOf(text, ipVersion);
  if (!protocol) return `its protocol is '${text}'`;
  if (!ranged) return { what: { protocol: protocol.stored } };
  if (protocol.range === 'none') return `protocol ${text} has no ports`;
  if (protocol.range === 'ports') {
    const low = min ?? 1;
    const high = max ?? 65_535;
    return { what: { protocol: protocol.stored }, ports: [low === high ? low : `${low}:${high}`] };
  }
  if (min === null) return 'it has an ICMP code and no type';
  const icmp = max === null ? { type: min } : { type: min, code: max };
  return { what: { protocol: icmpName(ipVersion), icmp } };
}

function remoteOf(
  rule: SecurityGroupRule,
  ipVersion: 4 | 6,
  addressGroups: readonly AddressGroup[],
): Entity | undefined | string {
  if (rule.remote_group_id) return { selector: `has(${groupLabel(rule.remote_group_id)})` };
  if (rule.remote_address_group_id) {
    const group = addressGroups.find(({ id }) => id === rule.remote_address_group_id);
    const nets = (group?.addresses ?? []).filter((text) => isOfFamily(text, ipVersion));
    return nets.length > 0 ? { nets } : 'its address group has no address of its family';
  }
  const prefix = rule.remote_ip_prefix;
  if (!prefix) return undefined;
  return isOfFamily(prefix, ipVersion) ? { nets: [prefix] } : `its prefix is '${prefix}'`;
}

function isOfFamily(text: string, family: 4 | 6): boolean {
  const prefix = parseCidr(text);
  return prefix !== null && familyOf(prefix) === family;
}
