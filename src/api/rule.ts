/** Rules of policies and profiles. */
import * as z from 'zod';
import { type EntityRule, entityRule } from './entity-rule.ts';
import { embedded, integer, intOrUnset, item, list, map, omitted, struct, text } from './fields.ts';
import { annotations } from './formats.ts';
import { isPortProtocol, protocolField } from './ports.ts';
import { type Report, reporter } from './report.ts';

const ACTIONS = ['Allow', 'Deny', 'Log', 'Pass'] as const;

const icmp = () => struct({ type: intOrUnset({ min: 0, max: 254 }), code: intOrUnset({ min: 0, max: 255 }) });

const httpPath = () => z.strictObject({ exact: text(), prefix: text() });

const shape = () =>
  z.strictObject({
    action: z.enum(ACTIONS),
    ipVersion: omitted(integer().refine((version) => version === 4 || version === 6, 'must be 4 or 6')),
    protocol: protocolField(),
    icmp: icmp(),
    notProtocol: protocolField(),
    notICMP: icmp(),
    source: embedded(entityRule()),
    destination: embedded(entityRule()),
    http: struct({ methods: list(item()), paths: list(httpPath()) }),
    metadata: struct({ annotations: map(annotations) }),
  });

export type Rule = z.output<ReturnType<typeof shape>>;

export const ingressRule = () => shape().superRefine((rule, context) => checkRule(rule, reporter(context)));

export const egressRule = () =>
  shape().superRefine((rule, context) => {
    const report = reporter(context);
    checkRule(rule, report);
    if (rule.http) report(['http'], 'is only for ingress rules');
    if (rule.source.services) report(['source', 'services'], 'is only for the destination of egress rules');
  });

function checkRule(rule: Rule, report: Report): void {
  checkIcmp(rule, report);
  checkIpVersion(rule, report);
  checkPorts(rule, report);
  checkHttp(rule, report);
  checkServices(rule, report);
}

function checkIcmp(rule: Rule, report: Report): void {
  for (const field of ['icmp', 'notICMP'] as const) {
    const match = rule[field];
    if (match?.code !== undefined && match.type === undefined) report([field, 'code'], 'needs an ICMP type beside it');
    if (match && !isIcmp(rule.protocol)) report([field], 'needs protocol ICMP or ICMPv6');
  }
}

function checkIpVersion(rule: Rule, report: Report): void {
  if (isV4Icmp(rule.protocol) && rule.ipVersion === 6) report(['ipVersion'], 'must be 4 with protocol ICMP');
  if (isV6Icmp(rule.protocol) && rule.ipVersion === 4) report(['ipVersion'], 'must be 6 with protocol ICMPv6');
  let family = rule.ipVersion;
  for (const side of ['source', 'destination'] as const)
    for (const field of ['nets', 'notNets'] as const)
      for (const [index, net] of (rule[side][field] ?? []).entries()) {
        const version = net.includes(':') ? 6 : 4;
        if (family !== undefined && version !== family)
          report([side, field, index], `is IPv${version}, the rest of the rule is IPv${family}`);
        family ??= version;
      }
}

function checkPorts(rule: Rule, report: Report): void {
  if (isPortProtocol(rule.protocol)) return;
  for (const side of ['source', 'destination'] as const)
    for (const field of ['ports', 'notPorts'] as const)
      if (rule[side][field]) report([side, field], 'needs protocol TCP, UDP or SCTP');
}

function checkHttp({ http, action, protocol }: Rule, report: Report): void {
  if (!http) return;
  if (action !== 'Allow') report(['http'], 'is only for Allow rules');
  if (protocol !== undefined && protocol !== 'TCP' && protocol !== 6)
    report(['protocol'], 'must be TCP, or left out, with http');
  for (const [index, path] of (http.paths ?? []).entries()) {
    const value = path.exact ?? path.prefix;
    if (!value || (path.exact && path.prefix)) report(['http', 'paths', index], "must have either 'exact' or 'prefix'");
    else if (!/^\/[^?#\s]*$/.test(value))
      report(['http', 'paths', index], "must start with '/' and have no '?', '#' or blanks");
  }
}

function checkServices(rule: Rule, report: Report): void {
  for (const side of ['source', 'destination'] as const) {
    const entity: EntityRule = rule[side];
    if (!entity.services) continue;
    if (!entity.services.name) report([side, 'services', 'name'], 'must name a service');
    for (const field of ['selector', 'notSelector', 'nets', 'notNets', 'namespaceSelector', 'serviceAccounts'] as const)
      if (entity[field]) report([side, field], 'cannot stand beside services');
  }
  if (rule.destination.services && (rule.destination.ports || rule.destination.notPorts))
    report(['destination', 'ports'], 'cannot stand beside services: their ports count');
}

function isIcmp(protocol: Rule['protocol']): boolean {
  return isV4Icmp(protocol) || isV6Icmp(protocol);
}

function isV4Icmp(protocol: Rule['protocol']): boolean {
  return protocol === 'ICMP' || protocol === 1;
}

function isV6Icmp(protocol: Rule['protocol']): boolean {
  return protocol === 'ICMPv6' || protocol === 58;
}
