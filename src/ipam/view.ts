/** What one request has to know of the datastore, read together: pools, settings, the host's blocks, the handle. */
import type { KeyValue, Question, Store } from '../datastore/store.ts';
import type { Cidr, Family } from '../net/index.ts';
import type { Reserved } from './block.ts';
import { type IpamConfig, parseConfig } from './config.ts';
import {
  affinityPrefix,
  blockKey,
  blockOfKey,
  blockPrefix,
  type Claimant,
  CONFIG_KEY,
  handleKey,
  NODES,
  POOLS,
  RESERVATIONS,
} from './keys.ts';
import { type Labels, type Pool, readLabels, readPools, readReserved } from './pools.ts';
import { AT_ONCE, readBlocks } from './reading.ts';

export interface View {
  readonly pools: readonly Pool[];
  readonly config: IpamConfig;
  readonly reserved: Reserved;
  readonly labels: Labels;
  /** The claimant's affinities of the family, by block, in the order of their keys. */
  readonly affinities: ReadonlyMap<Cidr, KeyValue>;
  /** The blocks that have been read: at least those of `affinities`. Null: there is none. */
  readonly blocks: ReadonlyMap<Cidr, KeyValue | null>;
  /** Does `blocks` have every block of the family that exists? */
  readonly complete: boolean;
  readonly handle: KeyValue | null;
}

export interface ViewOf {
  readonly claimant: Claimant;
  readonly family: Family;
  readonly handle: string | undefined;
  readonly newer: boolean;
  /** Blocks that are the claimant's, probably: they are read with the rest, which saves a round trip. */
  readonly likely: readonly Cidr[];
  /** Also every other block of the family. */
  readonly complete: boolean;
}

/** One round trip where `likely` is right; one more for blocks that it lacks, and for all blocks. */
export async function readView(store: Store, of: ViewOf): Promise<View> {
  const likely = of.likely.slice(0, AT_ONCE);
  const questions: Question[] = [
    { prefix: POOLS },
    { prefix: RESERVATIONS },
    { key: CONFIG_KEY },
    { key: `${NODES}${of.claimant.name}` },
    { prefix: affinityPrefix(of.claimant, of.family) },
    { key: handleKey(of.handle ?? '') },
    ...likely.map((block) => ({ key: blockKey(block) })),
  ];
  const [pools = [], reservations = [], config, node, affinityItems = [], handle, ...read] =
    await store.read(questions);
  const affinities = byBlock(affinityItems);
  const blocks = new Map<Cidr, KeyValue | null>(likely.map((block, i) => [block, read[i]?.[0] ?? null]));
  const missing = [...affinities.keys()].filter((block) => !blocks.has(block));
  for (const [block, stored] of await readBlocks(store, missing)) blocks.set(block, stored);
  if (of.complete) {
    const { items } = await store.list(blockPrefix(of.family));
    for (const [block, item] of byBlock(items)) blocks.set(block, item);
  }
  return {
    pools: readPools(pools),
    config: parseConfig(config?.[0]?.value, of.newer),
    reserved: readReserved(reservations),
    labels: readLabels(node?.[0]),
    affinities,
    blocks,
    complete: of.complete,
    handle: of.handle === undefined ? null : (handle?.[0] ?? null),
  };
}

/** Keys that name no block are not ours. */
function byBlock(items: readonly KeyValue[]): Map<Cidr, KeyValue> {
  return new Map(
    items.flatMap((item) => {
      const block = blockOfKey(item.key);
      return block ? [[block, item] as const] : [];
    }),
  );
}
