/** Many keys at once. */
import type { KeyValue, Store } from '../datastore/store.ts';
import { CalicoError } from '../errors/index.ts';
import type { Cidr } from '../net/index.ts';
import { type Block, parseBlock } from './block.ts';
import { blockKey, blockOfKey } from './keys.ts';

/** etcd's limit of operations in one request is 128. */
export const AT_ONCE = 100;

/** In the order asked for; null where there is none. */
export async function readKeys(store: Store, keys: readonly string[]): Promise<(KeyValue | null)[]> {
  const out: (KeyValue | null)[] = [];
  for (let start = 0; start < keys.length; start += AT_ONCE) {
    const answers = await store.read(keys.slice(start, start + AT_ONCE).map((key) => ({ key })));
    out.push(...answers.map(([item]) => item ?? null));
  }
  return out;
}

/** Throws E_DATASTORE where it is no block, or not the one that its key names: nothing is given of it. */
export function readBlock({ key, value }: KeyValue): Block {
  const block = parseBlock(value);
  if (block.cidr === blockOfKey(key)) return block;
  throw new CalicoError('E_DATASTORE', key, `holds another block: ${block.cidr}`);
}

/** Null for what cannot be read. */
export function readableBlock(stored: KeyValue): Block | null {
  try {
    return readBlock(stored);
  } catch {
    return null;
  }
}

/** Null for those that do not exist. */
export async function readBlocks(store: Store, blocks: readonly Cidr[]): Promise<Map<Cidr, KeyValue | null>> {
  const items = await readKeys(store, blocks.map(blockKey));
  return new Map(blocks.map((block, i) => [block, items[i] ?? null]));
}
