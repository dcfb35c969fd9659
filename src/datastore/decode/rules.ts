/** Rules of policies and profiles. */
import type { HttpMatch, IcmpMatch, Rule, RuleAction, RuleEntity } from '../../model/index.ts';
import { hasPorts, ICMP, ICMPV6, UDPLITE } from '../../net/index.ts';
import { parseSelector } from '../../selector/index.ts';
import * as read from './read.ts';
import { ruleSelector } from './selectors.ts';

const ACTIONS: ReadonlyMap<string, RuleAction> = new Map(
  (['allow', 'deny', 'log', 'pass'] as const).map((a) => [a, a]),
);

const ANYTHING: RuleEntity = { nets: [], notNets: [], selector: '', notSelector: '', ports: [], notPorts: [] };

/** A rule about every packet. */
export function unconditional(action: RuleAction): Rule {
  return { action, source: ANYTHING, destination: ANYTHING };
}

/** `namespace`: that of the policy, undefined where it has none. */
export function rules(value: unknown, field: string, namespace: string | undefined): readonly Rule[] {
  return read.list(value, field, (element, _, i) => rule(read.object(element, field), `${field}[${i}]`, namespace));
}

const RULE = 'action ipVersion protocol notProtocol icmp notICMP source destination http metadata'.split(' ');
const SIDE = 'nets notNets selector notSelector namespaceSelector serviceAccounts ports notPorts'.split(' ');

/** A match that is passed over would make an Allow rule allow more. */
function onlyKnown(fields: read.Fields, known: readonly string[], field: string): void {
  for (const name in fields) {
    if (!known.includes(name)) throw new read.Undecodable(`${field}.${name}`, fields[name], 'no such field');
  }
}

function rule(fields: read.Fields, field: string, namespace: string | undefined): Rule {
  onlyKnown(fields, RULE, field);
  const action = ACTIONS.get(read.text(fields.action, `${field}.action`).toLowerCase());
  if (!action) throw new read.Undecodable(`${field}.action`, fields.action, 'Allow, Deny, Log or Pass');
  const entity = (name: 'source' | 'destination') =>
    ruleEntity(read.object(fields[name], `${field}.${name}`), `${field}.${name}`, namespace);
  const decoded = read.present<Rule>({
    action,
    ipVersion: ipVersion(fields.ipVersion, `${field}.ipVersion`),
    protocol: read.protocol(fields.protocol, `${field}.protocol`),
    notProtocol: read.protocol(fields.notProtocol, `${field}.notProtocol`),
    icmp: icmp(fields.icmp, `${field}.icmp`),
    notIcmp: icmp(fields.notICMP, `${field}.notICMP`),
    source: entity('source'),
    destination: entity('destination'),
    http: http(fields.http, `${field}.http`),
    annotations: annotations(fields.metadata, `${field}.metadata`),
  });
  checkProtocol(decoded, fields.protocol, `${field}.protocol`);
  return decoded;
}

/** What only packets of some protocols have, no kernel looks for in others. */
function checkProtocol({ protocol, source, destination, icmp, notIcmp }: Rule, written: unknown, field: string): void {
  const hasIcmp = icmp !== undefined || notIcmp !== undefined;
  if (hasIcmp && protocol !== ICMP && protocol !== ICMPV6)
    throw new read.Undecodable(field, written ?? null, 'ICMP or ICMPv6, as the rule asks for a type');
  const ports = [source, destination].some(({ ports, notPorts }) => ports.length + notPorts.length > 0);
  if (ports && !hasPorts(protocol) && protocol !== UDPLITE)
    throw new read.Undecodable(field, written ?? null, 'TCP, UDP or SCTP, as the rule asks for ports');
}

function ruleEntity(side: read.Fields, field: string, namespace: string | undefined): RuleEntity {
  onlyKnown(side, SIDE, field);
  const selector = ruleSelector(side, field, namespace);
  const notSelector = read.text(side.notSelector, `${field}.notSelector`);
  if (selector !== '') parseSelector(selector);
  if (notSelector !== '') parseSelector(notSelector);
  return {
    nets: read.cidrs(side.nets, `${field}.nets`),
    notNets: read.cidrs(side.notNets, `${field}.notNets`),
    selector,
    notSelector,
    ports: read.list(side.ports, `${field}.ports`, read.port),
    notPorts: read.list(side.notPorts, `${field}.notPorts`, read.port),
  };
}

function ipVersion(value: unknown, field: string): 4 | 6 | undefined {
  if (value === undefined || value === null) return undefined;
  if (value !== 4 && value !== 6) throw new read.Undecodable(field, value, '4 or 6');
  return value;
}

function icmp(value: unknown, field: string): IcmpMatch | undefined {
  if (value === undefined || value === null) return undefined;
  const fields = read.object(value, field);
  // 255 would be any type to iptables.
  const type = byte(fields.type, `${field}.type`, 254);
  const code = byte(fields.code, `${field}.code`, 255);
  if (type !== undefined) return read.present<IcmpMatch>({ type, code });
  if (code !== undefined) throw new read.Undecodable(field, value, 'a type beside the code');
  return undefined;
}

function byte(value: unknown, field: string, max: number): number | undefined {
  const number = read.integer(value, field);
  if (number !== undefined && (number < 0 || number > max))
    throw new read.Undecodable(field, value, `a number of 0 to ${max}`);
  return number;
}

function http(value: unknown, field: string): HttpMatch | undefined {
  if (value === undefined || value === null) return undefined;
  const { methods, paths } = read.object(value, field);
  return read.present<HttpMatch>({
    methods: methods ? read.texts(methods, `${field}.methods`) : undefined,
    paths: paths ? read.list(paths, `${field}.paths`, httpPath) : undefined,
  });
}

function httpPath(value: unknown, field: string): { exact?: string; prefix?: string } {
  const { exact, prefix } = read.object(value, field);
  return read.present({
    exact: exact ? read.text(exact, `${field}.exact`) : undefined,
    prefix: prefix ? read.text(prefix, `${field}.prefix`) : undefined,
  });
}

function annotations(value: unknown, field: string): Rule['annotations'] {
  const found = read.object(value, field).annotations;
  return found === undefined || found === null ? undefined : read.labels(found, `${field}.annotations`);
}
