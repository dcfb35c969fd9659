/** What BGP needs to know of the cluster, kept from the syncer's updates. */
import type { BGPConfiguration, BGPPeer, IPAMBlock, IPPool, Node, Update } from '../model/index.ts';

const DEFAULT_AS = 64512;
const DEFAULT_PORT = 179;

/** All of it by name. */
export interface Network {
  readonly nodes: ReadonlyMap<string, Node>;
  readonly pools: ReadonlyMap<string, IPPool>;
  readonly blocks: ReadonlyMap<string, IPAMBlock>;
  readonly peers: ReadonlyMap<string, BGPPeer>;
  /** `default` and `node.<name>`. */
  readonly configurations: ReadonlyMap<string, BGPConfiguration>;
}

/** The settings of one node: its own before the cluster's before the defaults. */
export interface Settings {
  readonly asNumber: number;
  readonly listenPort: number;
  readonly mesh: boolean;
  readonly logSeverity: string;
}

export function settingsOf(network: Network, name: string): Settings {
  const cluster = network.configurations.get('default');
  const own = network.configurations.get(`node.${name}`);
  return {
    asNumber: network.nodes.get(name)?.asNumber ?? own?.asNumber ?? cluster?.asNumber ?? DEFAULT_AS,
    listenPort: own?.listenPort ?? cluster?.listenPort ?? DEFAULT_PORT,
    mesh: cluster?.nodeToNodeMeshEnabled ?? true,
    logSeverity: own?.logSeverityScreen ?? cluster?.logSeverityScreen ?? 'Info',
  };
}

/** The network as the syncer's updates leave it. */
export class NetworkState implements Network {
  readonly nodes = new Map<string, Node>();
  readonly pools = new Map<string, IPPool>();
  readonly blocks = new Map<string, IPAMBlock>();
  readonly peers = new Map<string, BGPPeer>();
  readonly configurations = new Map<string, BGPConfiguration>();

  /** Returns whether anything changed that BGP is about. An invalid resource keeps its last good value. */
  apply(updates: readonly Update[]): boolean {
    let changed = false;
    for (const update of updates) {
      const table = this.#tableOf(update) as Map<string, unknown> | null;
      if (!table || update.invalid) continue;
      if (update.value === null) table.delete(update.id.name);
      else table.set(update.id.name, update.value);
      changed = true;
    }
    return changed;
  }

  #tableOf({ id }: Update) {
    switch (id.kind) {
      case 'Node':
        return this.nodes;
      case 'IPPool':
        return this.pools;
      case 'IPAMBlock':
        return this.blocks;
      case 'BGPPeer':
        return this.peers;
      case 'BGPConfiguration':
        return this.configurations;
      default:
        return null;
    }
  }
}
