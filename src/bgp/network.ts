/** What BGP needs to know of the cluster, kept from the syncer's updates. */
import type {
  BGPConfiguration,
  BGPFilter,
  BGPPeer,
  Community,
  IPAMBlock,
  IPPool,
  Node,
  ProgrammedRoutes,
  SecretRef,
  Update,
} from '../model/index.ts';
import type { Cidr, Family } from '../net/index.ts';

const DEFAULT_AS = 64512;
export const DEFAULT_PORT = 179;
/**
 * Of BIRD's routes in the kernel. It is above what Felix's routes have, also those of IPv6 that name none (1024): where
 * both have a way to a block, the tunnel is taken, and when it goes the plain route is there already.
 */
const DEFAULT_ROUTE_PRIORITY = 2048;

/** All of it by name. */
export interface Network {
  readonly nodes: ReadonlyMap<string, Node>;
  readonly pools: ReadonlyMap<string, IPPool>;
  readonly blocks: ReadonlyMap<string, IPAMBlock>;
  readonly peers: ReadonlyMap<string, BGPPeer>;
  readonly filters: ReadonlyMap<string, BGPFilter>;
  /** `default` and `node.<name>`. */
  readonly configurations: ReadonlyMap<string, BGPConfiguration>;
}

/** The settings of one node: its own before the cluster's before the defaults. */
export interface Settings {
  readonly asNumber: number;
  readonly listenPort: number;
  readonly bindToNodeIp: boolean;
  readonly logSeverity: string;
  /** Null: there is none. */
  readonly mesh: { readonly password?: SecretRef; readonly maxRestartTime?: number; readonly bfd?: boolean } | null;
  readonly ignoredInterfaces: readonly string[];
  /** Prefixes of services, which every node announces. */
  readonly services: readonly Cidr[];
  readonly advertisements: readonly { readonly cidr: Cidr; readonly communities: readonly Community[] }[];
  readonly programmed: ProgrammedRoutes;
  readonly priority: Readonly<Record<Family, number>>;
}

export function settingsOf(network: Network, name: string): Settings {
  const cluster = network.configurations.get('default');
  const own = network.configurations.get(`node.${name}`);
  const first = <K extends keyof BGPConfiguration>(field: K) => own?.[field] ?? cluster?.[field];
  const mesh = cluster?.nodeToNodeMeshEnabled ?? true;
  return {
    asNumber: asNumberOf(network, name),
    listenPort: listenPortOf(network, name),
    bindToNodeIp: first('bindToNodeIp') ?? false,
    logSeverity: first('logSeverityScreen') ?? 'Info',
    mesh: mesh
      ? {
          ...(cluster?.nodeMeshPassword && { password: cluster.nodeMeshPassword }),
          ...(cluster?.nodeMeshMaxRestartTime && { maxRestartTime: cluster.nodeMeshMaxRestartTime }),
          ...(cluster?.bfd && { bfd: true }),
        }
      : null,
    ignoredInterfaces: first('ignoredInterfaces') ?? [],
    services: [own, cluster].flatMap((configuration) => servicesOf(configuration)),
    advertisements: advertisementsOf(own, cluster),
    programmed: first('programClusterRoutes') ?? 'all',
    priority: {
      4: first('ipv4RoutePriority') ?? DEFAULT_ROUTE_PRIORITY,
      6: first('ipv6RoutePriority') ?? DEFAULT_ROUTE_PRIORITY,
    },
  };
}

export function asNumberOf({ nodes, configurations }: Network, name: string): number {
  const own = nodes.get(name)?.asNumber ?? configurations.get(`node.${name}`)?.asNumber;
  return own ?? configurations.get('default')?.asNumber ?? DEFAULT_AS;
}

export function listenPortOf({ configurations }: Network, name: string): number {
  return configurations.get(`node.${name}`)?.listenPort ?? configurations.get('default')?.listenPort ?? DEFAULT_PORT;
}

function servicesOf(configuration: BGPConfiguration | undefined): Cidr[] {
  if (!configuration) return [];
  const { serviceClusterIps, serviceExternalIps, serviceLoadBalancerIps } = configuration;
  return [...serviceClusterIps, ...serviceExternalIps, ...serviceLoadBalancerIps];
}

/** The node's own instead of the cluster's; both may use names that either defines. */
function advertisementsOf(own: BGPConfiguration | undefined, cluster: BGPConfiguration | undefined) {
  const value = (name: string): Community | undefined =>
    name.includes(':') ? name.split(':').map(Number) : (own?.communities?.get(name) ?? cluster?.communities?.get(name));
  return (own?.prefixAdvertisements ?? cluster?.prefixAdvertisements ?? []).map(({ cidr, communities }) => ({
    cidr,
    communities: communities.map(value).filter((found) => found !== undefined),
  }));
}

type Tables = { -readonly [K in keyof Network]: Map<string, unknown> };

const TABLE_OF: Readonly<Record<string, keyof Network>> = {
  Node: 'nodes',
  IPPool: 'pools',
  IPAMBlock: 'blocks',
  BGPPeer: 'peers',
  BGPFilter: 'filters',
  BGPConfiguration: 'configurations',
};

/** The network as the syncer's updates leave it. Of blocks, only those of `node`, where one is given. */
export class NetworkState implements Network {
  readonly nodes = new Map<string, Node>();
  readonly pools = new Map<string, IPPool>();
  readonly blocks = new Map<string, IPAMBlock>();
  readonly peers = new Map<string, BGPPeer>();
  readonly filters = new Map<string, BGPFilter>();
  readonly configurations = new Map<string, BGPConfiguration>();
  readonly #node: string | undefined;

  constructor(node?: string) {
    this.#node = node;
  }

  /** Returns whether anything changed that BGP is about. An invalid resource keeps its last good value. */
  apply(updates: readonly Update[]): boolean {
    let changed = false;
    for (const update of updates) {
      const name = TABLE_OF[update.id.kind];
      if (!name || update.invalid) continue;
      const table = (this as Tables)[name];
      if (update.value && this.#isOurs(update)) table.set(update.id.name, update.value);
      else if (!table.delete(update.id.name)) continue;
      changed = true;
    }
    return changed;
  }

  #isOurs({ id, value }: Update): boolean {
    return id.kind !== 'IPAMBlock' || this.#node === undefined || (value as IPAMBlock).host === this.#node;
  }
}
