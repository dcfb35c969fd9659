/** Rules of the v1 API as the v3 API has them. */
import { parseCidr } from '../../net/index.ts';
import type { V1Entity, V1Rule } from './v1.ts';

const ACTIONS = ['Allow', 'Deny', 'Log', 'Pass'];
const PROTOCOLS = ['TCP', 'UDP', 'ICMP', 'ICMPv6', 'SCTP', 'UDPLite'];

export type Fields = Record<string, unknown>;

export function convertRules(rules: readonly V1Rule[]): Fields[] | undefined {
  return rules.length === 0 ? undefined : rules.map(convertRule);
}

function convertRule(rule: V1Rule): Fields {
  const { action, protocol, notProtocol, source, destination, ...rest } = rule;
  return {
    ...rest,
    action: action === '' ? 'Allow' : (sameWord(ACTIONS, action) ?? (action === 'next-tier' ? 'Pass' : action)),
    ...(protocol !== undefined && { protocol: convertProtocol(protocol) }),
    ...(notProtocol !== undefined && { notProtocol: convertProtocol(notProtocol) }),
    source: convertEntity(source),
    destination: convertEntity(destination),
  };
}

export function convertProtocol(protocol: string | number): string | number {
  if (/^\d+$/.test(String(protocol))) return Number(protocol);
  return sameWord(PROTOCOLS, String(protocol)) ?? protocol;
}

function convertEntity(entity: V1Entity): Fields {
  const fields = {
    nets: convertNets(entity.nets, entity.net),
    selector: withTag(entity.selector, entity.tag),
    ports: entity.ports?.map(convertPort),
    notNets: convertNets(entity.notNets, entity.notNet),
    notSelector: withTag(entity.notSelector, entity.notTag),
    notPorts: entity.notPorts?.map(convertPort),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** The label that stood for an endpoint's namespace has another name now. */
export function convertSelector(selector: string): string {
  return selector.replaceAll('calico/k8s_ns', 'projectcalico.org/namespace');
}

/** A tag became a label without a value. */
function withTag(selector: string | undefined, tag: string | undefined): string | undefined {
  const converted = selector ? convertSelector(selector) : undefined;
  if (!tag) return converted;
  return converted ? `(${converted}) && ${tag} == ''` : `${tag} == ''`;
}

function convertNets(nets: readonly string[] = [], net: string | undefined): (string | null)[] | undefined {
  const all = net === undefined ? nets : [...nets, net];
  return all.length === 0 ? undefined : all.map(parseCidr);
}

function convertPort(port: string | number): string | number {
  return /^\d+$/.test(String(port)) ? Number(port) : port;
}

function sameWord(words: readonly string[], word: string): string | undefined {
  return words.find((known) => known.toLowerCase() === word.toLowerCase());
}
