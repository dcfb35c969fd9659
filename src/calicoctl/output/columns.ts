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

const policy = { ORDER: field('spec.order', '<nil>'), SELECTOR: field('spec.selector') };
const NETS = field('spec.nets');

export const COLUMNS: Readonly<Record<string, Columns>> = {
  BGPConfiguration: columns('NAME LOGSEVERITY MESHENABLED ASNUMBER', 'NAME LOGSEVERITY MESHENABLED ASNUMBER', {
    ...NAME,
    LOGSEVERITY: field('spec.logSeverityScreen'),
    MESHENABLED: field('spec.nodeToNodeMeshEnabled', '-'),
    ASNUMBER: field('spec.asNumber', '-'),
  }),
  BGPPeer: columns('NAME PEERIP NODE ASN', 'NAME PEERIP NODE ASN', {
    ...NAME,
    PEERIP: field('spec.peerIP'),
    NODE: ({ spec }) => String(spec?.node || spec?.nodeSelector || '(global)'),
    ASN: field('spec.asNumber', '0'),
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
  GlobalNetworkPolicy: columns('NAME', 'NAME ORDER SELECTOR', { ...NAME, ...policy }),
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
  NetworkPolicy: columns('NAME', 'NAME ORDER SELECTOR', { ...NAMED, ...policy }),
  NetworkSet: columns('NAME', 'NAME NETS', { ...NAMED, NETS }),
  Node: columns('NAME', 'NAME ASN IPV4 IPV6', {
    ...NAME,
    ASN: nodeAsNumber,
    IPV4: field('spec.bgp.ipv4Address'),
    IPV6: field('spec.bgp.ipv6Address'),
  }),
  Profile: columns('NAME', 'NAME LABELS', { ...NAME, LABELS: profileLabels }),
  WorkloadEndpoint: columns('WORKLOAD NODE NETWORKS INTERFACE', 'NAME WORKLOAD NODE NETWORKS INTERFACE PROFILES NATS', {
    ...NAMED,
    WORKLOAD: ({ spec }) => String((spec?.orchestrator === 'k8s' ? spec.pod : spec?.workload) ?? ''),
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
  return pairs.map(({ internalIP, externalIP }) => `${internalIP}=${externalIP}`).join(',');
}
