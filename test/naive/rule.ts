/** Does a rule match a packet? Looking at every resource there is. */
import type { HostEndpoint, NamedPort, NetworkSet, Profile, Rule, WorkloadEndpoint } from '../../src/model/index.ts';
import type { PortRange } from '../../src/net/index.ts';
import { inPrefix, isV6 } from './address.ts';
import type { Opening, Resources, WrittenEntity } from './resources.ts';
import { selects } from './selector.ts';

type Labels = ReadonlyMap<string, string>;
const NAMESPACE = 'projectcalico.org/namespace';
const SERVICE_ACCOUNT = 'projectcalico.org/serviceaccount';

export function ruleMatches(resources: Resources, rule: Rule, packet: Opening): boolean {
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
  side: WrittenEntity,
  { protocol }: Rule,
  address: string,
  port: number | undefined,
): boolean {
  const { nets, notNets, notSelector, ports, notPorts } = side;
  // Prefixes, negated ones too, tie a rule to the IP versions they are of.
  for (const list of [nets, notNets]) {
    if (list.length > 0 && !list.some((net) => isV6(net) === isV6(address))) return false;
  }
  if (nets.length > 0 && !nets.some((net) => inPrefix(net, address))) return false;
  if (notNets.some((net) => inPrefix(net, address))) return false;

  // Together they mean: selected, without those that are deselected. Alone, the second excludes addresses.
  const holders = labelled(resources).filter((item) => item.nets.some((net) => inPrefix(net, address)));
  const chooses = choice(side);
  const chosen = chooses ? holders.filter((item) => chooses(item.labels)) : holders;
  const left = chosen.filter((item) => notSelector === '' || !selects(notSelector, item.labels));
  if (chooses && left.length === 0) return false;
  if (!chooses && left.length < holders.length) return false;

  const isPort = (wanted: PortRange | NamedPort): boolean => {
    if (port === undefined) return false;
    if ('min' in wanted) return wanted.min <= port && port <= wanted.max;
    return (chooses ? left : holders).some((item) =>
      item.ports.some((p) => p.name === wanted.name && p.protocol === protocol && p.port === port),
    );
  };
  if (ports.length > 0 && !ports.some(isPort)) return false;
  return !notPorts.some(isPort);
}

/** Whom the side is about; null: it does not say. */
function choice({ selector, notSelector, written }: WrittenEntity): ((labels: Labels) => boolean) | null {
  if (!written) return selector === '' ? null : (labels) => selects(selector, labels);
  const { namespaceSelector, serviceAccounts, namespace } = written;
  const { names } = serviceAccounts;
  const says = [written.selector, notSelector, namespaceSelector, serviceAccounts.selector, ...names].some(Boolean);
  const asks = [written.selector, namespaceSelector, serviceAccounts.selector, ...names].some(Boolean);
  // A policy of a namespace speaks of that namespace unless it names others.
  const own = namespaceSelector === '' && says ? namespace : undefined;
  if (!asks && own === undefined) return null;
  return (labels) =>
    selects(written.selector, labels) &&
    ofParent(namespaceSelector, labels, NAMESPACE, 'pcns.') &&
    ofParent(serviceAccounts.selector, labels, SERVICE_ACCOUNT, 'pcsa.') &&
    (names.length === 0 || names.includes(labels.get(SERVICE_ACCOUNT) ?? '')) &&
    (own === undefined || labels.get(NAMESPACE) === own);
}

/** Does the selector choose the namespace (service account) that something with these labels is in? */
function ofParent(selector: string, labels: Labels, kind: string, prefix: string): boolean {
  if (selector === '') return true;
  if (selector === 'all()') return labels.has(kind);
  if (selector === 'global()') return !labels.has(kind);
  const parents = [...labels].filter(([name]) => name.startsWith(prefix));
  return selects(selector, new Map(parents.map(([name, value]) => [name.slice(prefix.length), value])));
}

function labelled({ workloads, hostEndpoints, sets, profiles }: Resources) {
  const of = (item: WorkloadEndpoint | HostEndpoint | NetworkSet, nets: readonly string[]) => ({
    nets,
    ports: 'ports' in item ? item.ports : [],
    labels: labelsOf(profiles, item),
  });
  return [
    ...workloads.map((w) => of(w, w.nets)),
    ...hostEndpoints.map((h) =>
      of(
        h,
        h.expectedIps.map((ip) => `${ip}/${isV6(ip) ? 128 : 32}`),
      ),
    ),
    ...sets.map((s) => of(s, s.nets)),
  ];
}

/** Its own labels, and those its profiles give: what comes first wins. */
export function labelsOf(
  profiles: readonly Profile[],
  item: Pick<WorkloadEndpoint, 'labels' | 'profiles'>,
): Map<string, string> {
  const inherited = item.profiles.map((name) => profiles.find((p) => p.id.name === name)?.labelsToApply ?? {});
  return new Map([...inherited.toReversed(), item.labels].flatMap((labels) => Object.entries(labels)));
}
