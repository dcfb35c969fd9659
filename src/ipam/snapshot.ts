/** Everything about addresses that a datastore holds, and who uses them: what check, fix and migrate work on. */
import { parseJson } from '../api/json.ts';
import type { KeyValue, Store } from '../datastore/store.ts';
import { addressOf, type Cidr, type Ip, parseCidr } from '../net/index.ts';
import type { Block, Reserved } from './block.ts';
import { type IpamConfig, parseConfig } from './config.ts';
import { type HandleCounts, parseHandle } from './handle.ts';
import {
  affinitiesPrefix,
  blockOfKey,
  blockPrefix,
  type Claimant,
  CONFIG_KEY,
  HANDLES,
  NODES,
  POOLS,
  parseAffinityKey,
  RESERVATIONS,
  WORKLOAD_ENDPOINTS,
} from './keys.ts';
import { type Labels, type Pool, readLabels, readPools, readReserved } from './pools.ts';
import { readableBlock } from './reading.ts';

/** Somebody has the address on an interface. */
export interface AddressUse {
  readonly address: Ip;
  readonly by: 'workload' | 'tunnel' | 'node';
  /** Of the workload endpoint (with its namespace) or of the node. */
  readonly name: string;
  readonly node: string;
}

export interface StoredBlock {
  readonly cidr: Cidr;
  /** Null: it cannot be read. */
  readonly block: Block | null;
}

export interface StoredAffinity {
  readonly claimant: Claimant;
  readonly block: Cidr;
  readonly key: string;
}

export interface Snapshot {
  readonly pools: readonly Pool[];
  readonly reserved: Reserved;
  readonly config: IpamConfig;
  /** Labels by node. */
  readonly nodes: ReadonlyMap<string, Labels>;
  readonly blocks: readonly StoredBlock[];
  readonly affinities: readonly StoredAffinity[];
  readonly handles: ReadonlyMap<string, HandleCounts>;
  readonly uses: readonly AddressUse[];
}

/**
 * Who uses addresses is read after who has them: what is given before it is used is then seen in use, and what is released
 * meanwhile seems to be unused, which a release that names the handle finds out.
 */
export async function readSnapshot(store: Store): Promise<Snapshot> {
  const list = async (prefix: string) => (await store.list(prefix)).items;
  const handles = await list(HANDLES);
  const blocks = [...(await list(blockPrefix(4))), ...(await list(blockPrefix(6)))];
  const affinities = [...(await list(affinitiesPrefix('host'))), ...(await list(affinitiesPrefix('virtual')))];
  const config = await store.get(CONFIG_KEY);
  const endpoints = await list(WORKLOAD_ENDPOINTS);
  const nodes = await list(NODES);
  return {
    pools: readPools(await list(POOLS)),
    reserved: readReserved(await list(RESERVATIONS)),
    config: parseConfig(config?.value, false),
    nodes: new Map(nodes.map((node) => [lastPart(node.key), readLabels(node)])),
    blocks: blocks.flatMap((stored) => {
      const cidr = blockOfKey(stored.key);
      return cidr ? [{ cidr, block: readableBlock(stored) }] : [];
    }),
    affinities: affinities.flatMap(({ key }) => {
      const named = parseAffinityKey(key);
      return named ? [{ ...named, key }] : [];
    }),
    handles: new Map(
      handles.map(({ key, value }) => [key.slice(HANDLES.length), readable(() => parseHandle(value)) ?? {}]),
    ),
    uses: [...nodes.flatMap(usesOfNode), ...endpoints.flatMap(usesOfEndpoint)],
  };
}

type Fields = Record<string, unknown>;

export function usesOfEndpoint(stored: KeyValue): AddressUse[] {
  const spec = specOf(stored);
  const networks = Array.isArray(spec.ipNetworks) ? spec.ipNetworks : [];
  const name = stored.key.split('/').slice(-2).join('/');
  return networks.flatMap((text) => {
    const prefix = parseCidr(String(text));
    return prefix ? [{ address: addressOf(prefix), by: 'workload' as const, name, node: String(spec.node ?? '') }] : [];
  });
}

export function usesOfNode(stored: KeyValue): AddressUse[] {
  const spec = specOf(stored);
  const bgp = object(spec.bgp);
  const wireguard = object(spec.wireguard);
  const node = lastPart(stored.key);
  const tunnels = [
    bgp.ipv4IPIPTunnelAddr,
    spec.ipv4VXLANTunnelAddr,
    spec.ipv6VXLANTunnelAddr,
    wireguard.interfaceIPv4Address,
    wireguard.interfaceIPv6Address,
  ];
  const use = (by: AddressUse['by']) => (text: unknown) => {
    const prefix = typeof text === 'string' ? parseCidr(text.replace(/\/.*$/, '')) : null;
    return prefix ? [{ address: addressOf(prefix), by, name: node, node }] : [];
  };
  return [...tunnels.flatMap(use('tunnel')), ...[bgp.ipv4Address, bgp.ipv6Address].flatMap(use('node'))];
}

function specOf({ value }: KeyValue): Fields {
  return object(object(readable(() => parseJson(value))).spec);
}

function object(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function lastPart(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

function readable<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
