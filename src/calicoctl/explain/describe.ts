/** Words for what decided about a packet. */
import { idText } from '../../model/index.ts';
import type { Action, DefaultRule, Step, Translation } from '../../rules/index.ts';
import { askedLast } from './asked.ts';
import type { Hop } from './journey.ts';

const DEFAULTS: Readonly<Record<DefaultRule, string>> = {
  'end-of-tier': 'policies apply, and none of their rules matched: denied at the end of the tier',
  'no-profile-matched': 'no policy applies, and no profile allowed it',
  'no-forward-policy': 'forwarded traffic, to which no policy of this host endpoint applies',
  'unknown-interface': 'an interface that no workload endpoint is known for',
  'endpoint-to-host': 'DefaultEndpointToHostAction, for what a workload sends to its own host',
  'encapsulated-from-workload': 'workloads may not send packets that look like the hosts’ tunnels',
  tunnel: 'tunnel packets pass between the hosts of the cluster only',
  'host-to-workload': 'a host always reaches its own workloads',
  'service-loop': 'an address of a service that nothing here translates: it would come back',
  'allowed-source': 'a source that the endpoint may use beside its own addresses',
  'policy-accepted': 'a policy has accepted it before',
  'nat-outgoing': 'NAT-outgoing of the IP pool',
  'tunnel-address': 'the tunnel’s address',
  dscp: 'it gets the code point (DSCP) of its workload',
  'floating-ip': 'a floating IP',
  metadata: 'the metadata service',
  dhcp: 'DHCP is always allowed to a workload',
  'rogue-server': 'a workload may not answer DHCP, nor advertise itself as a router',
  dns: 'DNS of the host is always allowed to a workload',
  'neighbour-discovery': 'IPv6 neighbour discovery is always allowed',
};

/** `GlobalNetworkPolicy deny-one-pair, ingress rule 0 (deny)`. */
export function describeDecider(step: Step | null, hop: Hop): string {
  if (!step) return 'nothing denies it';
  const { origin, action } = step.rule;
  switch (origin.type) {
    case 'policy':
      return `${idText(origin.id)}, ${origin.direction} rule ${origin.rule} (${verbOf(action)})`;
    case 'default': {
      const asked = origin.what === 'end-of-tier' ? askedLast(hop) : [];
      const among = asked.length > 0 ? ` (${asked.map(idText).join(', ')})` : '';
      return DEFAULTS[origin.what] + among;
    }
    case 'anti-spoofing':
      return 'the source address is not routed back to the interface it came from (anti-spoofing)';
    case 'failsafe':
      return 'a failsafe port';
    case 'limit':
      return `beyond ${describeLimit(step)}`;
    case 'conntrack':
      return `conntrack: ${origin.state}`;
    case 'plumbing':
      return describePlumbing(action);
  }
}

export function verdictOf({ trace }: Hop): 'allowed' | 'denied' | 'rejected' | 'no route' {
  if (trace.unrouted) return 'no route';
  return trace.verdict === 'accept' ? 'allowed' : trace.verdict === 'drop' ? 'denied' : 'rejected';
}

/** `the ingress limit of 100 packets a second (5 at once) of WorkloadEndpoint …`. */
export function describeLimit({ rule: { match, origin } }: Step): string {
  if (origin.type !== 'limit') return 'a limit';
  const { overPacketRate: rate, connectionsAbove } = match;
  const size =
    origin.of === 'connections'
      ? `${connectionsAbove} TCP connections`
      : rate && `${rate.perSecond} packets a second (${rate.burst} at once)`;
  return `the ${origin.direction} limit of ${size ?? 'packets'} of ${idText(origin.endpoint)}`;
}

/** What a policy's rule says, in the words of its resource: neutral, or lowered to what the kernel has. */
function verbOf(action: Action): string {
  if (action.type === 'policy') return action.verdict;
  if (action.type === 'mark') return action.set?.includes('pass') ? 'pass' : 'allow';
  return action.type === 'drop' || action.type === 'reject' ? 'deny' : action.type;
}

/** How a packet gets from chain to chain. */
function describePlumbing(action: Action): string {
  switch (action.type) {
    case 'jump':
    case 'goto':
      return `on to ${action.chain}`;
    case 'dispatch':
      return `on to the chain of the interface`;
    case 'mark':
      return `marks: ${[...(action.set ?? []).map((mark) => `+${mark}`), ...(action.clear ?? []).map((mark) => `-${mark}`)].join(' ')}`;
    default:
      return action.type;
  }
}

/** `destination becomes 10.65.0.2`. */
export function describeTranslation({ type, to, port }: Translation, { host, packet }: Hop): string {
  const address = to ?? host.address(packet.family) ?? 'that of the interface it leaves by';
  return `${type === 'dnat' ? 'destination' : 'source'} becomes ${address}${port === undefined ? '' : ` port ${port}`}`;
}
