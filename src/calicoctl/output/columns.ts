/** The columns of tables, kind by kind. */
import type { Resource } from '../../api/index.ts';

/** What a cell may need beside its resource. */
export interface CellContext {
  /** The AS number of nodes that set none. */
  readonly asNumber: number;
}

export type Cell = (resource: Resource, context: CellContext) => string;

export interface Columns {
  /** Shown by default and with `-o wide`: names of the cells. */
  readonly narrow: readonly string[];
  readonly wide: readonly string[];
  readonly cells: Readonly<Record<string, Cell>>;
  /** Columns that are shown, after the first, where a resource has something to say in them that is not usual. */
  readonly unusual?: Readonly<Record<string, (resource: Resource) => boolean>>;
}

type Path = string;

/** The field at the path as Go's templates print it: absent as empty, lists joined by commas. */
function field(path: Path, absent = ''): Cell {
  const steps = path.split('.');
  return (resource) => {
    let value: unknown = resource;
    for (const step of steps) value = (value as Record<string, unknown> | undefined)?.[step];
    if (value === undefined || value === null) return absent;
    return Array.isArray(value) ? value.join(',') : String(value);
  };
}

const NAME = { NAME: field('metadata.name') };
const NAMED = { NAMESPACE: field('metadata.namespace'), ...NAME };

function columns(narrow: string, wide: string, cells: Record<string, Cell>): Columns {
  return { narrow: narrow.split(' '), wide: wide.split(' '), cells };
}

const policy = {
  TIER: field('spec.tier', 'default'),
  ORDER: order,
  SELECTOR: field('spec.selector'),
};
/** v3.15 knows one tier only, no names that begin with it, and has no column for it; newer versions always do. */
const TIERED = {
  TIER: ({ metadata, spec }: Resource) =>
    spec?.tier !== undefined && (spec.tier !== 'default' || metadata.name.startsWith('default.')),
};
const NETS = truncated(field('spec.nets'), 80);

export const COLUMNS: Readonly<Record<string, Columns>> = {
  BGPConfiguration: columns('NAME LOGSEVERITY MESHENABLED ASNUMBER', 'NAME LOGSEVERITY MESHENABLED ASNUMBER', {
    ...NAME,
    LOGSEVERITY: field('spec.logSeverityScreen'),
    MESHENABLED: field('spec.nodeToNodeMeshEnabled', '-'),
    ASNUMBER: field('spec.asNumber', '-'),
  }),
  BGPFilter: columns('NAME EXPORTV4 IMPORTV4 EXPORTV6 IMPORTV6', 'NAME EXPORTV4 IMPORTV4 EXPORTV6 IMPORTV6', {
    ...NAME,
    EXPORTV4: count('exportV4'),
    IMPORTV4: count('importV4'),
    EXPORTV6: count('exportV6'),
    IMPORTV6: count('importV6'),
  }),
  BGPPeer: columns('NAME PEERIP NODE ASN', 'NAME PEERIP NODE ASN', {
    ...NAME,
    PEERIP: field('spec.peerIP'),
    NODE: ({ spec }) => String(spec?.node || spec?.nodeSelector || '(global)'),
    ASN: field('spec.asNumber', '0'),
  }),
  CalicoNodeStatus: columns('NAME NODE', 'NAME NODE CLASSES', {
    ...NAME,
    NODE: field('spec.node'),
    CLASSES: field('spec.classes'),
  }),
  ClusterInformation: columns(
    'NAME CLUSTERGUID CLUSTERTYPE CALICOVERSION DATASTOREREADY',
    'NAME CLUSTERGUID CLUSTERTYPE CALICOVERSION DATASTOREREADY',
    {
      ...NAME,
      CLUSTERGUID: field('spec.clusterGUID'),
      CLUSTERTYPE: field('spec.clusterType'),
      CALICOVERSION: field('spec.calicoVersion'),
      DATASTOREREADY: field('spec.datastoreReady'),
    },
  ),
  FelixConfiguration: columns('NAME', 'NAME', NAME),
  GlobalNetworkPolicy: { ...columns('NAME', 'NAME ORDER SELECTOR', { ...NAME, ...policy }), unusual: TIERED },
  GlobalNetworkSet: columns('NAME', 'NAME NETS', { ...NAME, NETS }),
  HostEndpoint: columns('NAME NODE', 'NAME NODE INTERFACE IPS PROFILES', {
    ...NAME,
    NODE: field('spec.node'),
    INTERFACE: field('spec.interfaceName'),
    IPS: field('spec.expectedIPs'),
    PROFILES: field('spec.profiles'),
  }),
  IPPool: columns('NAME CIDR SELECTOR', 'NAME CIDR NAT IPIPMODE VXLANMODE DISABLED SELECTOR', {
    ...NAME,
    CIDR: field('spec.cidr'),
    NAT: field('spec.natOutgoing', 'false'),
    IPIPMODE: field('spec.ipipMode'),
    VXLANMODE: field('spec.vxlanMode'),
    DISABLED: field('spec.disabled', 'false'),
    SELECTOR: field('spec.nodeSelector'),
  }),
  IPAMConfiguration: columns(
    'NAME STRICTAFFINITY AUTOALLOCATEBLOCKS',
    'NAME STRICTAFFINITY AUTOALLOCATEBLOCKS MAXBLOCKSPERHOST',
    {
      ...NAME,
      STRICTAFFINITY: field('spec.strictAffinity', 'false'),
      AUTOALLOCATEBLOCKS: field('spec.autoAllocateBlocks', 'false'),
      MAXBLOCKSPERHOST: field('spec.maxBlocksPerHost', '0'),
    },
  ),
  IPReservation: columns('NAME', 'NAME CIDRS', { ...NAME, CIDRS: field('spec.reservedCIDRs') }),
  KubeControllersConfiguration: columns('NAME', 'NAME', NAME),
  NetworkPolicy: { ...columns('NAME', 'NAME ORDER SELECTOR', { ...NAMED, ...policy }), unusual: TIERED },
  NetworkSet: columns('NAME', 'NAME NETS', { ...NAMED, NETS }),
  Node: columns('NAME', 'NAME ASN IPV4 IPV6', {
    ...NAME,
    ASN: nodeAsNumber,
    IPV4: field('spec.bgp.ipv4Address'),
    IPV6: field('spec.bgp.ipv6Address'),
  }),
  Profile: columns('NAME', 'NAME LABELS', { ...NAME, LABELS: profileLabels }),
  StagedGlobalNetworkPolicy: columns('NAME TIER', 'NAME TIER ORDER SELECTOR', { ...NAME, ...policy }),
  StagedKubernetesNetworkPolicy: columns('NAME', 'NAME PODSELECTOR', { ...NAMED, PODSELECTOR: podSelector }),
  StagedNetworkPolicy: columns('NAME TIER', 'NAME TIER ORDER SELECTOR', { ...NAMED, ...policy }),
  Tier: columns('NAME ORDER', 'NAME ORDER', { ...NAME, ORDER: order }),
  WorkloadEndpoint: columns('WORKLOAD NODE NETWORKS INTERFACE', 'NAME WORKLOAD NODE NETWORKS INTERFACE PROFILES NATS', {
    ...NAMED,
    WORKLOAD: ({ spec }) => String(spec?.workload || spec?.pod || ''),
    ORCHESTRATOR: field('spec.orchestrator'),
    NODE: field('spec.node'),
    NETWORKS: field('spec.ipNetworks'),
    NATS: nats,
    IPV4GATEWAY: field('spec.ipv4Gateway'),
    IPV6GATEWAY: field('spec.ipv6Gateway'),
    PROFILES: field('spec.profiles'),
    INTERFACE: field('spec.interfaceName'),
    MAC: field('spec.mac'),
  }),
};

function nodeAsNumber({ spec }: Resource, { asNumber }: CellContext): string {
  const bgp = spec?.bgp as { asNumber?: number } | undefined;
  return bgp ? String(bgp.asNumber ?? `(${asNumber})`) : '';
}

function profileLabels({ spec }: Resource): string {
  const labels = (spec?.labelsToApply ?? {}) as Record<string, string>;
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

function nats({ spec }: Resource): string {
  const pairs = (spec?.ipNATs ?? []) as { internalIP: string; externalIP: string }[];
  return pairs.map(({ internalIP, externalIP }) => `{${internalIP} ${externalIP}}`).join(',');
}

/** As Go prints a floating-point number: 1000000 is 1e+06. */
function order({ spec }: Resource): string {
  const value = spec?.order;
  if (typeof value !== 'number') return '<nil>';
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-4 && size < 1e6)) return String(value);
  return value.toExponential().replace(/([+-])(\d)$/, '$10$2');
}

/** Upstream cuts lists off, too. */
function truncated(cell: Cell, most: number): Cell {
  return (resource, context) => {
    const text = cell(resource, context);
    return text.length > most ? `${text.slice(0, most - 3)}...` : text;
  };
}

function count(list: string): Cell {
  return ({ spec }) => String(((spec?.[list] ?? []) as unknown[]).length);
}

interface PodSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly { key: string; operator: string; values?: readonly string[] }[];
}

/** As Kubernetes' library prints a selector. */
function podSelector({ spec }: Resource): string {
  const { matchLabels = {}, matchExpressions = [] } = (spec?.podSelector ?? {}) as PodSelector;
  const labels = Object.entries(matchLabels).sort(([a], [b]) => (a < b ? -1 : 1));
  const expressions = matchExpressions.map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  );
  const map = labels.map(([key, value]) => `${key}: ${value},`).join('');
  return `&LabelSelector{MatchLabels:map[string]string{${map}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`;
}
