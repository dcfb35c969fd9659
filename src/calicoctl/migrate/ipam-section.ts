/** What allocation keeps, for export and import: names of nodes in it are those that they will have. */
import { parseJson, toJson } from '../../api/index.ts';
import { IPAM_BLOCKS, type KeyValue, type Store } from '../../datastore/index.ts';
import { affinitiesPrefix, affinityKey, CONFIG_KEY, claimantOf, HANDLES, parseAffinityKey } from '../../ipam/keys.ts';
import type { Entry, IpamSection } from './sections.ts';

const ROOT = '/calico/ipam/v2/';
/** Handles that are named after a node. */
const NODE_HANDLE =
  /^(ipip-tunnel-addr-|vxlan-tunnel-addr-|vxlan-v6-tunnel-addr-|wireguard-tunnel-addr-|wireguard-v6-tunnel-addr-)(.+)$/;

type Names = ReadonlyMap<string, string>;

export async function ipamSection(store: Store, names: Names): Promise<IpamSection> {
  const affinities: Entry[] = [];
  for (const type of ['host', 'virtual'] as const)
    for (const item of (await store.list(affinitiesPrefix(type))).items)
      affinities.push(entry({ ...item, key: renamedAffinity(item.key, names) }));
  const blocks = (await store.list(IPAM_BLOCKS)).items.map((item) => renamedBlock(entry(item), names));
  const handles = (await store.list(HANDLES)).items.map((item) => {
    const handle = item.key.slice(HANDLES.length);
    return entry({ ...item, key: `${HANDLES}${renamedHandle(handle, names)}` });
  });
  const config = await store.get(CONFIG_KEY);
  return {
    ...(affinities.length > 0 && { block_affinities: affinities }),
    ...(blocks.length > 0 && { blocks }),
    ...(handles.length > 0 && { handles }),
    ...(config && { config: entry(config) }),
  };
}

/** Writes what is not there yet. Throws E_EXISTS. Returns how many entries there were. */
export async function writeIpamSection(store: Store, section: IpamSection): Promise<number> {
  const { block_affinities = [], blocks = [], handles = [], config } = section;
  const entries = [...block_affinities, ...blocks, ...handles, ...(config ? [config] : [])];
  for (const { Key, Value } of entries) await store.create(Key, toJson(Value));
  return entries.length;
}

export async function hasIpam(store: Store): Promise<boolean> {
  return (await store.list(ROOT)).items.length > 0;
}

function entry({ key, value }: KeyValue): Entry {
  return { Key: key, Value: parseJson(value) as Record<string, unknown>, TTL: 0 };
}

function renamedAffinity(key: string, names: Names): string {
  const affinity = parseAffinityKey(key);
  const name = affinity?.claimant.type === 'host' ? names.get(affinity.claimant.name) : undefined;
  return affinity && name ? affinityKey({ type: 'host', name }, affinity.block) : key;
}

function renamedHandle(handle: string, names: Names): string {
  const [, kind, node] = NODE_HANDLE.exec(handle) ?? [];
  return kind && node ? `${kind}${names.get(node) ?? node}` : handle;
}

function renamedBlock({ Key, Value, TTL }: Entry, names: Names): Entry {
  const { affinity, attributes } = Value as { affinity?: string | null; attributes?: Attribute[] | null };
  const claimant = claimantOf(affinity ?? null);
  const renamed = claimant?.type === 'host' ? names.get(claimant.name) : undefined;
  return {
    Key,
    Value: {
      ...Value,
      ...(renamed && { affinity: `host:${renamed}` }),
      ...(attributes && { attributes: attributes.map((attribute) => renamedAttribute(attribute, names)) }),
    },
    TTL,
  };
}

interface Attribute {
  handle_id?: string | null;
  secondary?: Record<string, string> | null;
}

function renamedAttribute(attribute: Attribute, names: Names): Attribute {
  const { handle_id, secondary } = attribute;
  const node = secondary?.node && names.get(secondary.node);
  return {
    ...attribute,
    ...(handle_id && { handle_id: renamedHandle(handle_id, names) }),
    ...(node && { secondary: { ...secondary, node } }),
  };
}
