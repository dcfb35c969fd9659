/**
 * Kubernetes' NetworkPolicy as a NetworkPolicy of Calico's that does the same: pods that it selects, peers as selectors
 * or nets, ports by protocol. Order 1000 is that of Kubernetes' own policies, beside which it may stand.
 */
import * as z from 'zod';
import type { Resource } from '../../api/index.ts';
import type { Fields } from './rules.ts';

const requirement = z.strictObject({
  key: z.string(),
  operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
  values: z.array(z.string()).default([]),
});
const selector = z.strictObject({
  matchLabels: z.record(z.string(), z.string()).default({}),
  matchExpressions: z.array(requirement).default([]),
});
const peer = z.strictObject({
  podSelector: selector.optional(),
  namespaceSelector: selector.optional(),
  ipBlock: z.strictObject({ cidr: z.string(), except: z.array(z.string()).default([]) }).optional(),
});
const port = z.strictObject({
  protocol: z.enum(['TCP', 'UDP', 'SCTP']).default('TCP'),
  port: z.union([z.int(), z.string()]).optional(),
  endPort: z.int().optional(),
});
const ports = z.array(port).default([]);
const peers = z.array(peer).default([]);

/** metadata as far as it goes over, and spec. */
export const KUBERNETES_POLICY = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string().optional() }),
  spec: z.strictObject({
    podSelector: selector.prefault({}),
    ingress: z.array(z.strictObject({ from: peers, ports })).default([]),
    egress: z.array(z.strictObject({ to: peers, ports })).default([]),
    policyTypes: z.array(z.enum(['Ingress', 'Egress'])).optional(),
  }),
});

type Policy = z.output<typeof KUBERNETES_POLICY>;
type Selector = z.output<typeof selector>;
type Peer = z.output<typeof peer>;
type Port = z.output<typeof port>;

const PODS = "projectcalico.org/orchestrator == 'k8s'";

export function convertKubernetesPolicy({ metadata, spec }: Policy): Resource {
  const types = spec.policyTypes ?? (spec.egress.length > 0 ? ['Ingress', 'Egress'] : ['Ingress']);
  const ingress = spec.ingress.flatMap(({ from, ports }) => rules('source', from, ports));
  const egress = spec.egress.flatMap(({ to, ports }) => rules('destination', to, ports));
  return {
    apiVersion: 'projectcalico.org/v3',
    kind: 'NetworkPolicy',
    metadata: { name: metadata.name, namespace: metadata.namespace ?? 'default' },
    spec: {
      order: 1000,
      ...(ingress.length > 0 && { ingress }),
      ...(egress.length > 0 && { egress }),
      selector: [PODS, ...terms(spec.podSelector)].join(' && '),
      types,
    },
  };
}

/** A rule for each peer and protocol; no peers, or no ports, are all of them. */
function rules(side: 'source' | 'destination', peers: readonly Peer[], ports: readonly Port[]): Fields[] {
  const entities = peers.length > 0 ? peers.map(entity) : [{}];
  const byProtocol = Map.groupBy(ports, ({ protocol }) => protocol);
  const matches = ports.length > 0 ? [...byProtocol] : [[undefined, []] as const];
  return entities.flatMap((entity) =>
    matches.map(([protocol, ports]) => {
      // One port without a number is every port of its protocol.
      const all = ports.some(({ port }) => port === undefined);
      const to = !protocol || all ? {} : { ports: ports.map(portText) };
      const source = side === 'source' ? entity : {};
      const destination = side === 'source' ? to : { ...entity, ...to };
      return { action: 'Allow', ...(protocol && { protocol }), source, destination };
    }),
  );
}

function entity({ podSelector, namespaceSelector, ipBlock }: Peer): Fields {
  if (ipBlock) return { nets: [ipBlock.cidr], ...(ipBlock.except.length > 0 && { notNets: ipBlock.except }) };
  const pods = [PODS, ...(podSelector ? terms(podSelector) : [])].join(' && ');
  const namespaces = namespaceSelector && (terms(namespaceSelector).join(' && ') || 'all()');
  return { selector: pods, ...(namespaces && { namespaceSelector: namespaces }) };
}

function terms({ matchLabels, matchExpressions }: Selector): string[] {
  const sorted = Object.entries(matchLabels).sort(([a], [b]) => (a < b ? -1 : 1));
  return [...sorted.map(([key, value]) => `${key} == '${value}'`), ...matchExpressions.map(expression)];
}

function expression({ key, operator, values }: z.output<typeof requirement>): string {
  const set = `{ ${values.map((value) => `'${value}'`).join(', ')} }`;
  switch (operator) {
    case 'In':
      return `${key} in ${set}`;
    case 'NotIn':
      return `${key} not in ${set}`;
    case 'Exists':
      return `has(${key})`;
    case 'DoesNotExist':
      return `! has(${key})`;
  }
}

function portText({ port, endPort }: Port): string | number {
  return endPort !== undefined ? `${port}:${endPort}` : (port as string | number);
}
