/** Which nodes are to reflect routes, so that a cluster needs no full mesh, and the resources that say so. Pure. */
import { CalicoError } from '../errors/index.ts';

/** A resource as it is stored, or is to be. */
interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: Readonly<Record<string, unknown>>;
}

export interface Plan {
  /** The reflectors' names, sorted. */
  readonly reflectors: readonly string[];
  /** What every node's sessions with the reflectors need; and when those are up, what takes the mesh away. */
  readonly sessions: readonly Resource[];
  readonly meshOff: Resource;
}

export const REFLECTOR_LABEL = 'route-reflector';
const CLUSTER_ID = '244.0.0.1';
/** Labels that say what fails together, the first that a node has. */
const DOMAINS = ['topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/zone', 'zone', 'rack'];
const API_VERSION = 'projectcalico.org/v3';

/**
 * Reflectors that are there already stay, as far as `count` goes; others come from as many zones as there are, by name.
 * `configuration`: BGPConfiguration `default`, where there is one. E_USAGE: not so many nodes can be reflectors.
 */
export function planReflectors(nodes: readonly Resource[], count: number, configuration: Resource | null): Plan {
  const asNumber = configuration?.spec?.asNumber ?? 64512;
  const able = nodes.filter((node) => {
    const { ipv4Address, ipv6Address, asNumber: own = asNumber } = bgpOf(node);
    return (ipv4Address || ipv6Address) && own === asNumber; // what another AS tells is not reflected
  });
  if (!Number.isInteger(count) || count < 1 || count > able.length)
    throw new CalicoError('E_USAGE', 'plan-reflectors', `needs a number from 1 to ${able.length}`, {
      hint: `so many nodes have an address and the AS number ${asNumber}`,
    });
  const chosen = choose(able, count);
  return {
    reflectors: chosen.map(({ metadata }) => metadata.name).sort(),
    sessions: [
      peering(),
      ...chosen.map(asReflector),
      ...nodes.filter((node) => !chosen.includes(node)).flatMap(demoted),
    ],
    meshOff: {
      ...(configuration ?? { apiVersion: API_VERSION, kind: 'BGPConfiguration', metadata: { name: 'default' } }),
      spec: { ...configuration?.spec, nodeToNodeMeshEnabled: false },
    },
  };
}

/** In turn from each domain, those first that are reflectors already. */
function choose(able: readonly Resource[], count: number): Resource[] {
  const rank = (node: Resource) => `${bgpOf(node).routeReflectorClusterID ? 0 : 1} ${node.metadata.name}`;
  const sorted = able.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
  const domains = [...Map.groupBy(sorted, domainOf)].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, members]) => members);
  const rounds = Math.max(...domains.map(({ length }) => length));
  const turns = Array.from({ length: rounds }, (_, turn) => domains.flatMap((members) => members[turn] ?? [])).flat();
  const already = turns.filter((node) => bgpOf(node).routeReflectorClusterID);
  return [...already, ...turns.filter((node) => !already.includes(node))].slice(0, count);
}

function domainOf({ metadata: { labels = {} } }: Resource): string {
  return DOMAINS.map((label) => labels[label]).find((value) => value) ?? '';
}

function peering(): Resource {
  return {
    apiVersion: API_VERSION,
    kind: 'BGPPeer',
    metadata: { name: 'route-reflectors' },
    spec: { nodeSelector: 'all()', peerSelector: `has(${REFLECTOR_LABEL})` },
  };
}

function asReflector(node: Resource): Resource {
  const labels = { ...node.metadata.labels, [REFLECTOR_LABEL]: 'true' };
  const bgp = { ...bgpOf(node), routeReflectorClusterID: CLUSTER_ID };
  return { ...node, metadata: { ...node.metadata, labels }, spec: { ...node.spec, bgp } };
}

/** A reflector by this plan's label that is no longer to be one. */
function demoted(node: Resource): Resource[] {
  const { [REFLECTOR_LABEL]: label, ...labels } = node.metadata.labels ?? {};
  if (label === undefined) return [];
  const { routeReflectorClusterID: _, ...bgp } = bgpOf(node);
  return [{ ...node, metadata: { ...node.metadata, labels }, spec: { ...node.spec, bgp } }];
}

function bgpOf({ spec }: Resource): Readonly<Record<string, unknown>> {
  return (spec?.bgp ?? {}) as Readonly<Record<string, unknown>>;
}
