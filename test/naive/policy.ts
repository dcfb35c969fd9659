/**
 * What policy means, read from its definition: for one packet that opens a connection, looking at every resource there is.
 * Nothing of the product decides here: no calc, no rules, no selector. The property tests hold those against this.
 */
import type {
  Direction,
  NamedPort,
  NetworkSet,
  Policy,
  Profile,
  Rule,
  RuleEntity,
  WorkloadEndpoint,
} from '../../src/model/index.ts';
import type { PortRange } from '../../src/net/index.ts';
import { inPrefix, isV6 } from './address.ts';
import { selects } from './selector.ts';

export interface Resources {
  readonly workloads: readonly WorkloadEndpoint[];
  readonly policies: readonly Policy[];
  readonly profiles: readonly Profile[];
  readonly sets: readonly NetworkSet[];
}

/** The first packet of a connection. */
export interface Opening {
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
}

/** Both ends have to allow it; an end that is no workload allows everything. */
export function allowed(resources: Resources, packet: Opening): boolean {
  const from = owner(resources, packet.source);
  const to = owner(resources, packet.destination);
  return (
    (!from || allowedBy(resources, from, 'egress', packet)) && (!to || allowedBy(resources, to, 'ingress', packet))
  );
}

export function owner({ workloads }: Resources, address: string): WorkloadEndpoint | undefined {
  return workloads.find(({ nets }) => nets.some((net) => inPrefix(net, address)));
}

/**
 * The policies that select the endpoint and speak about this direction, in their order. The first rule that matches decides.
 * When none does, there is no more to ask: it is denied. The profiles have a say when no policy applies, or one passes.
 */
export function allowedBy(
  resources: Resources,
  endpoint: WorkloadEndpoint,
  direction: Direction,
  packet: Opening,
): boolean {
  const labels = labelsOf(resources, endpoint);
  const policies = resources.policies
    .filter((p) => !p.doNotTrack && !p.preDNAT && p.types.includes(direction) && selects(p.selector, labels))
    .toSorted(byOrder);
  const rules = policies.flatMap((policy) => policy[direction]);
  const verdict = firstMatch(resources, rules, packet);
  if (verdict === 'allow' || verdict === 'deny') return verdict === 'allow';
  if (policies.length > 0 && verdict !== 'pass') return false;
  for (const name of endpoint.profiles) {
    const profile = resources.profiles.find((p) => p.id.name === name);
    if (!profile) return false;
    const decided = firstMatch(resources, profile[direction], packet);
    if (decided) return decided === 'allow';
  }
  return false;
}

function byOrder(a: Policy, b: Policy): number {
  const order = (p: Policy) => p.order ?? Number.MAX_VALUE;
  const name = (p: Policy) => (p.id.namespace ? `${p.id.namespace}/${p.storedName}` : p.storedName);
  return order(a) - order(b) || (name(a) < name(b) ? -1 : 1);
}

function firstMatch(resources: Resources, rules: readonly Rule[], packet: Opening): 'allow' | 'deny' | 'pass' | null {
  for (const rule of rules) {
    if (rule.action !== 'log' && ruleMatches(resources, rule, packet)) return rule.action;
  }
  return null;
}

function ruleMatches(resources: Resources, rule: Rule, packet: Opening): boolean {
  const { protocol, notProtocol, icmp, notIcmp, ipVersion } = rule;
  if (ipVersion && (ipVersion === 6) !== isV6(packet.source)) return false;
  if (protocol !== undefined && protocol !== packet.protocol) return false;
  if (notProtocol !== undefined && notProtocol === packet.protocol) return false;
  const isIcmp = (m: NonNullable<Rule['icmp']>) =>
    m.type === packet.icmpType && (m.code === undefined || m.code === packet.icmpCode);
  if (icmp && !isIcmp(icmp)) return false;
  if (notIcmp && isIcmp(notIcmp)) return false;
  return (
    sideMatches(resources, rule.source, rule, packet.source, packet.sourcePort) &&
    sideMatches(resources, rule.destination, rule, packet.destination, packet.destinationPort)
  );
}

function sideMatches(
  resources: Resources,
  side: RuleEntity,
  { protocol }: Rule,
  address: string,
  port: number | undefined,
): boolean {
  const { nets, notNets, selector, notSelector, ports, notPorts } = side;
  // Prefixes, negated ones too, tie a rule to the IP versions they are of.
  for (const list of [nets, notNets]) {
    if (list.length > 0 && !list.some((net) => isV6(net) === isV6(address))) return false;
  }
  if (nets.length > 0 && !nets.some((net) => inPrefix(net, address))) return false;
  if (notNets.some((net) => inPrefix(net, address))) return false;

  // Together they mean: selected, without those that are deselected. Alone, the second excludes addresses.
  const holders = labelled(resources).filter((item) => item.nets.some((net) => inPrefix(net, address)));
  const chosen = holders.filter((item) => selects(selector, item.labels));
  if (selector !== '') {
    if (!chosen.some((item) => notSelector === '' || !selects(notSelector, item.labels))) return false;
  } else if (notSelector !== '' && holders.some((item) => selects(notSelector, item.labels))) return false;

  const isPort = (wanted: PortRange | NamedPort): boolean => {
    if (port === undefined) return false;
    if ('min' in wanted) return wanted.min <= port && port <= wanted.max;
    return chosen
      .filter((item) => selector === '' || notSelector === '' || !selects(notSelector, item.labels))
      .some((item) => item.ports.some((p) => p.name === wanted.name && p.protocol === protocol && p.port === port));
  };
  if (ports.length > 0 && !ports.some(isPort)) return false;
  return !notPorts.some(isPort);
}

function labelled(resources: Resources) {
  const { workloads, sets } = resources;
  return [
    ...workloads.map((w) => ({ nets: w.nets, ports: w.ports, labels: labelsOf(resources, w) })),
    ...sets.map((s) => ({ nets: s.nets, ports: [], labels: labelsOf(resources, s) })),
  ];
}

/** Its own labels, and those its profiles give: what comes first wins. */
function labelsOf({ profiles }: Resources, item: Pick<WorkloadEndpoint, 'labels' | 'profiles'>): Map<string, string> {
  const inherited = item.profiles.map((name) => profiles.find((p) => p.id.name === name)?.labelsToApply ?? {});
  return new Map([...inherited.toReversed(), item.labels].flatMap((labels) => Object.entries(labels)));
}
