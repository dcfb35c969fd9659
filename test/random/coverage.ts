/** What random packets have met: which matches, actions, endpoints, hooks, and what decides when nobody said anything. */
import { idKey, type Rule, type RuleEntity } from '../../src/model/index.ts';
import type { Step, Trace } from '../../src/rules/index.ts';
import type { Fate } from '../naive/host.ts';
import type { Arrival, Resources, WrittenEntity } from '../naive/resources.ts';

/** Everything that has to be met. */
const GOALS: Readonly<Record<string, readonly string[]>> = {
  match: [
    'nets', 'notNets', 'selector', 'notSelector', 'namespaceSelector', 'serviceAccounts', 'ports', 'ranges',
    'named ports', 'notPorts', 'not named ports', 'more ports than fit', 'protocol by name', 'protocol by number',
    'notProtocol', 'icmp type', 'icmp code', 'notICMP', 'ICMPv6', 'ipVersion',
  ],
  action: ['allow', 'deny', 'log', 'pass'],
  default: [
    'end-of-tier', 'no-profile-matched', 'no-forward-policy', 'unknown-interface', 'endpoint-to-host',
    'encapsulated-from-workload', 'host-to-workload', 'nat-outgoing', 'floating-ip', 'neighbour-discovery',
    'anti-spoofing', 'failsafe', 'conntrack invalid', 'missing profile',
    'service-loop', 'allowed-source',
  ],
  endpoint: ['workload', 'host endpoint by name', 'host endpoint by address', 'host endpoint *'],
  policy: ['normal', 'applyOnForward', 'preDNAT', 'doNotTrack', 'of another tier', 'profile'],
  way: ['in', 'forwarded', 'out', 'IPv4', 'IPv6'],
  fate: ['allowed', 'denied'],
}; // biome-ignore format: a table

const RANGES = 15;

export class Coverage {
  readonly #counts = new Map<string, number>();
  #packets = 0;

  count(met: ReadonlySet<string>): void {
    this.#packets++;
    for (const what of met) this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  /** How often what it met least often has been met. */
  rarest(met: ReadonlySet<string>): number {
    return Math.min(...[...met].map((what) => this.#of(what)));
  }

  /** What was met fewer times than so; and the fate that fewer than a fifth of the packets had. */
  lacking(times: number): string[] {
    const rare = goals().filter((goal) => this.#of(goal) < times);
    const fates = ['fate allowed', 'fate denied'].filter((fate) => this.#of(fate) < this.#packets / 5);
    return [...new Set([...rare, ...fates])].map((goal) => `${goal}: ${this.#of(goal)} of ${this.#packets} packets`);
  }

  /** A line for each kind of goal. */
  table(): string {
    const line = ([kind, list]: [string, readonly string[]]) =>
      `${kind.padEnd(9)}${list.map((what) => `${what} ${this.#of(`${kind} ${what}`)}`).join(', ')}`;
    return [`${this.#packets} packets met`, ...Object.entries(GOALS).map(line)].join('\n');
  }

  #of(goal: string): number {
    return this.#counts.get(goal) ?? 0;
  }
}

/** What one packet has met. */
export function metBy(resources: Resources, arrival: Arrival, trace: Trace, fate: Fate): Set<string> {
  const met = new Set(trace.steps.flatMap((step) => [...ofStep(step), ...ofRule(resources, step)]));
  met.add(`fate ${fate === 'drop' ? 'denied' : 'allowed'}`);
  met.add(`way ${arrival.source.includes(':') ? 'IPv6' : 'IPv4'}`);
  return met.add(`way ${wayOf(arrival, trace)}`);
}

function goals(): string[] {
  return Object.entries(GOALS).flatMap(([kind, list]) => list.map((what) => `${kind} ${what}`));
}

function wayOf({ by }: Arrival, { steps }: Trace): string {
  if (by === null) return 'out';
  return steps.some(({ hook }) => hook === 'FORWARD') ? 'forwarded' : 'in';
}

function* ofStep({ rule: { origin }, chain, table }: Step): Generator<string> {
  if (origin.type === 'default') yield `default ${origin.what}`;
  if (origin.type === 'anti-spoofing' || origin.type === 'failsafe') yield `default ${origin.type}`;
  if (origin.type === 'conntrack') yield `default conntrack ${origin.state}`;
  if (/^cali-[ft]w-/.test(chain)) yield 'endpoint workload';
  const [, forward, name] = /^cali-[ft]h(fw)?-(.*)/.exec(chain) ?? [];
  if (name === undefined) return;
  yield `endpoint host endpoint ${name === 'eth0' ? 'by name' : name === 'eth1' ? 'by address' : '*'}`;
  if (table === 'raw') yield 'policy doNotTrack';
  else if (table === 'mangle') yield 'policy preDNAT';
  else yield forward ? 'policy applyOnForward' : 'policy normal';
}

/** The rule of a policy as it was written. */
function* ofRule({ policies, profiles }: Resources, { rule: { origin } }: Step): Generator<string> {
  if (origin.type !== 'policy') return;
  const key = idKey(origin.id);
  const policy = policies.find(({ id }) => idKey(id) === key);
  if (policy && policy.tier !== 'default') yield 'policy of another tier';
  const owner = policy ?? profiles.find(({ id }) => idKey(id) === key);
  if (!owner) return yield 'default missing profile';
  const rule = owner[origin.direction][origin.rule];
  if (!rule) throw new Error(`no such rule: ${JSON.stringify(origin)}`);
  if (!policy) yield 'policy profile';
  yield `action ${rule.action}`;
  for (const match of matchesOf(rule)) yield `match ${match}`;
}

function* matchesOf({ protocol, notProtocol, icmp, notIcmp, ipVersion, source, destination }: Rule): Generator<string> {
  if (protocol !== undefined) yield protocol === 99 ? 'protocol by number' : 'protocol by name';
  if (protocol === 58) yield 'ICMPv6';
  if (notProtocol !== undefined) yield 'notProtocol';
  if (icmp) yield icmp.code === undefined ? 'icmp type' : 'icmp code';
  if (notIcmp) yield 'notICMP';
  if (ipVersion) yield 'ipVersion';
  yield* ofSide(source);
  yield* ofSide(destination);
}

function* ofSide(side: RuleEntity & WrittenEntity): Generator<string> {
  const { nets, notNets, selector, notSelector, ports, notPorts, written } = side;
  if (nets.length > 0) yield 'nets';
  if (notNets.length > 0) yield 'notNets';
  if (selector !== '') yield 'selector';
  if (notSelector !== '') yield 'notSelector';
  if (written?.namespaceSelector) yield 'namespaceSelector';
  if (written && (written.serviceAccounts.selector || written.serviceAccounts.names.length > 0))
    yield 'serviceAccounts';
  if (ports.length > 0) yield 'ports';
  if (ports.length > RANGES) yield 'more ports than fit';
  if (ports.some((port) => 'min' in port && port.min < port.max)) yield 'ranges';
  if (ports.some((port) => 'name' in port)) yield 'named ports';
  if (notPorts.length > 0) yield 'notPorts';
  if (notPorts.some((port) => 'name' in port)) yield 'not named ports';
}
