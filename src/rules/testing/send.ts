/** A host of two workloads, and one packet through it: what the tests of rules send. */
import { expect } from 'vitest';
import { Host } from '../../calc/testing/host.ts';
import { profile, rule, workload } from '../../calc/testing/resources.ts';
import type { Kind, Values } from '../../model/index.ts';
import { type Family, type Ip, ip, TCP } from '../../net/index.ts';
import type { TableName } from '../chain.ts';
import { DEFAULT_RULES_CONFIG, type RulesConfig } from '../config.ts';
import { evaluate, type Trace } from '../evaluate.ts';
import { compileHost } from '../host.ts';
import { lowerRuleset } from '../lower.ts';
import type { Packet, World } from '../packet.ts';
import { renderChain } from '../render.ts';

export type Config = Partial<RulesConfig>;

/** The host's own addresses, on eth0. */
export const OWN = { 4: ip('172.30.0.11'), 6: ip('fd00:30::11') };
export const open = profile('open', { ingress: [rule()], egress: [rule()] });
export const w1 = workload('w1', { interfaceName: 'cali1', ips: ['10.65.0.1', 'fd00:65::1'], profiles: ['open'] });
export const w2 = workload('w2', { interfaceName: 'cali2', ips: ['10.65.0.2', 'fd00:65::2'], profiles: ['open'] });

export const fromW1 = { inInterface: 'cali1' };
export const fromW1v6 = { inInterface: 'cali1', source: ip('fd00:65::1'), destination: ip('fd00:65::2') };
export const fromOutside = { inInterface: 'eth0', source: ip('192.0.2.1') };

const routes = new Map([
  ['10.65.0.1', 'cali1'],
  ['10.65.0.2', 'cali2'],
  ['fd00:65::1', 'cali1'],
  ['fd00:65::2', 'cali2'],
  ['10.99.9.9', null],
]);
const INTERFACES = new Map([['eth0', Object.values(OWN)]]);

function worldOf(host: Host, sets: Readonly<Record<string, readonly string[]>>): World {
  const members = (set: string) => sets[set] ?? [...(host.state.sets.get(set)?.members ?? [])];
  return {
    inSet: (set, { address, protocol, port }) =>
      members(set).some((member) =>
        member.includes(',')
          ? member === `${address},${protocol === TCP ? 'tcp' : 'udp'}:${port}`
          : member.split('/')[0] === address,
      ),
    isLocal: (address) => Object.values(OWN).includes(address),
    route: (destination) => (routes.has(destination) ? (routes.get(destination) ?? null) : 'eth0'),
  };
}

/**
 * What becomes of a packet: TCP from the first workload's address to port 80 of the second's, where it says nothing else.
 * `sets`: members (single addresses) of sets that are not selectors'. The same before and after lowering, or the test fails.
 */
export function send(
  packet: Partial<Packet>,
  resources: readonly Values[Kind][],
  config: Config = {},
  sets: Readonly<Record<string, readonly string[]>> = {},
): Trace {
  const host = new Host();
  host.put(...resources);
  const full: Packet = {
    family: packet.source?.includes(':') ? 6 : 4,
    protocol: TCP,
    source: ip('10.65.0.1'),
    destination: ip('10.65.0.2'),
    sourcePort: 40000,
    destinationPort: 80,
    conntrack: 'NEW',
    marks: new Set(),
    ...packet,
  };
  const compiled = compiledHost(host, config, full.family);
  const world = worldOf(host, sets);
  const trace = evaluate(compiled, full, world);
  const lowered = evaluate(lowerRuleset(compiled), full, world);
  expect([lowered.verdict, lowered.translations]).toEqual([trace.verdict, trace.translations]);
  expect(lowered.decider?.rule.origin).toEqual(trace.decider?.rule.origin);
  return trace;
}

/** The verdict, and what decided: the type of its origin, or which default. */
export function outcome({ verdict, decider }: Trace) {
  const origin = decider?.rule.origin;
  return [verdict, origin && ('what' in origin ? origin.what : origin.type)];
}

/** The rules of one chain as iptables-restore gets them, without their hashes. Empty when nothing leads to it. */
export function rendered(
  resources: readonly Values[Kind][],
  where: { readonly table?: TableName; readonly chain: string; readonly family?: Family },
  config: Config = {},
): string[] {
  const host = new Host();
  host.put(...resources);
  const { table = 'filter', chain: name, family = 4 } = where;
  const chain = lowerRuleset(compiledHost(host, config, family))[table].chains.get(name);
  if (!chain) return [];
  const { marks } = { ...DEFAULT_RULES_CONFIG, ...config };
  const { rules } = renderChain(chain, { family, marks, randomFully: true });
  return rules.map(({ text }) => text.replace(/^-m comment --comment "cali:\S+" /, ''));
}

function compiledHost(host: Host, config: Config, family: Family) {
  const interfaces: ReadonlyMap<string, readonly Ip[]> = INTERFACES;
  return compileHost({ ...host.state, interfaces }, { ...DEFAULT_RULES_CONFIG, ...config }, family);
}
