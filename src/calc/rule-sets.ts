/** One rule: its selectors and named ports become sets. */
import type { NamedPort, Rule, RuleEntity } from '../model/index.ts';
import { type PortRange, type Protocol, SCTP, TCP, UDP } from '../net/index.ts';
import { type Selector, uniqueId } from '../selector/index.ts';
import type { ActiveEntity, ActiveRule, SetId } from './output.ts';

/** Who is in a set: the addresses of a selector, or the named ports that its endpoints have. */
export interface SetDefinition {
  readonly id: SetId;
  readonly selector: Selector;
  readonly port?: { readonly name: string; readonly protocol: Protocol };
}

export interface SetSink {
  parse(selector: string): Selector;
  need(set: SetDefinition): void;
}

const NONE: readonly never[] = [];

const PROTOCOL_NAMES = new Map<Protocol, string>([
  [TCP, 'tcp'],
  [UDP, 'udp'],
  [SCTP, 'sctp'],
]);

export function protocolText(protocol: Protocol): string {
  return PROTOCOL_NAMES.get(protocol) ?? String(protocol);
}

/** Tells `sink` every set that the rule needs. Throws a CalicoError when a selector does not parse. */
export function activate(rule: Rule, sink: SetSink): ActiveRule {
  // An endpoint's port has a protocol, a rule's named port only the rule's; without one it means TCP.
  const protocol = PROTOCOL_NAMES.has(rule.protocol ?? TCP) ? (rule.protocol ?? TCP) : TCP;
  const { source, destination, annotations: _, ...match } = rule;
  return { ...match, source: entity(source, protocol, sink), destination: entity(destination, protocol, sink) };
}

function entity(side: RuleEntity, protocol: Protocol, sink: SetSink): ActiveEntity {
  const positive = combined(side);
  const [ranges, names] = [only(side.ports, isRange), only(side.ports, isNamed)];
  const named = (ports: readonly NamedPort[]) =>
    ports.length === 0 ? NONE : ports.map((p) => namedPortSet(positive ?? 'all()', p, protocol, sink));
  // Sets of named ports hold the endpoints of the selector only, so the selector needs no set beside them, unless
  // numbers are allowed too: those say nothing about addresses.
  const covered = names.length > 0 && ranges.length === 0;
  return {
    nets: side.nets,
    notNets: side.notNets,
    sets: positive !== null && !covered ? [selectorSet(positive, sink)] : NONE,
    notSets: side.notSelector !== '' && side.selector === '' ? [selectorSet(side.notSelector, sink)] : NONE,
    ports: ranges,
    portSets: named(names),
    notPorts: only(side.notPorts, isRange),
    notPortSets: named(only(side.notPorts, isNamed)),
  };
}

/** A selector and a notSelector together are one, smaller set (and the set has the name that upstream gives it). */
function combined({ selector, notSelector }: RuleEntity): string | null {
  if (selector === '') return null;
  return notSelector === '' ? selector : `(${selector}) && !(${notSelector})`;
}

function selectorSet(text: string, sink: SetSink): SetId {
  const selector = sink.parse(text);
  sink.need({ id: selector.uid, selector });
  return selector.uid;
}

function namedPortSet(text: string, { name }: NamedPort, protocol: Protocol, sink: SetSink): SetId {
  const selector = sink.parse(text);
  const id = uniqueId('n', `${selector.uid},${protocolText(protocol)},${name}`);
  sink.need({ id, selector, port: { name, protocol } });
  return id;
}

/** No list of its own where nothing or everything is kept: there are eight to every side of a rule. */
function only<T, K extends T>(list: readonly T[], isKept: (one: T) => one is K): readonly K[] {
  const kept = list.filter(isKept);
  if (kept.length === 0) return NONE;
  return kept.length === list.length ? (list as readonly K[]) : kept;
}

function isNamed(port: PortRange | NamedPort): port is NamedPort {
  return 'name' in port;
}

function isRange(port: PortRange | NamedPort): port is PortRange {
  return !isNamed(port);
}
