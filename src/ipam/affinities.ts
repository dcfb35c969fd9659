/** Which host has which block: claims, and their end. Addresses stay with whom they have been given to. */
import type { KeyValue, Store } from '../datastore/store.ts';
import { CalicoError } from '../errors/index.ts';
import { addressOf, type Cidr, contains, familyOf, lengthOf, toBigInt } from '../net/index.ts';
import { type Birth, isEmpty, newBlock, orphan } from './block.ts';
import { commit, confirmAffinity, dropAffinity, retried, transactionOf } from './edit.ts';
import {
  affinitiesPrefix,
  affinityKey,
  affinityOf,
  affinityPrefix,
  blockKey,
  type Claimant,
  POOLS,
  parseAffinityKey,
} from './keys.ts';
import { blocksOfPool } from './order.ts';
import { poolOf, readPools } from './pools.ts';
import { readBlock, readKeys } from './reading.ts';

/** Every block of the prefix that nobody has becomes the claimant's. E_NOT_FOUND: in no enabled pool; E_INVALID: less than a block. */
export async function claimAffinity(
  store: Store,
  prefix: Cidr,
  claimant: Claimant,
  birth: Birth | null,
): Promise<{ claimed: Cidr[]; failed: Cidr[] }> {
  const pools = readPools((await store.list(POOLS)).items).filter(({ disabled }) => !disabled);
  const pool = poolOf(pools, prefix);
  if (!pool) throw new CalicoError('E_NOT_FOUND', prefix, 'is not within an enabled pool');
  if (lengthOf(prefix) > pool.blockSize)
    throw new CalicoError('E_INVALID', prefix, `is less than a block: those of ${pool.name} are /${pool.blockSize}`);
  const claimed: Cidr[] = [];
  const failed: Cidr[] = [];
  for (const block of blocksOfPool(prefix, pool.blockSize))
    ((await claim(store, block, claimant, birth)) ? claimed : failed).push(block);
  return { claimed, failed };
}

/** Of the claimant's blocks in the prefix. `mustBeEmpty`: E_CONFLICT at the first that is not; those before it are released. */
export async function releaseAffinity(
  store: Store,
  prefix: Cidr,
  claimant: Claimant,
  mustBeEmpty: boolean,
): Promise<void> {
  const { items } = await store.list(affinityPrefix(claimant, familyOf(prefix)));
  await releaseEach(
    store,
    items.filter(({ key }) => isWithin(key, prefix)),
    mustBeEmpty,
  );
}

/** Of all blocks of the claimant, of both families; as releaseAffinity. */
export async function releaseClaimant(store: Store, claimant: Claimant, mustBeEmpty: boolean): Promise<void> {
  const [v4 = [], v6 = []] = await store.read([
    { prefix: affinityPrefix(claimant, 4) },
    { prefix: affinityPrefix(claimant, 6) },
  ]);
  await releaseEach(store, [...v4, ...v6], mustBeEmpty);
}

/** Of all blocks within the prefix of a pool, whoever has them. */
export async function releasePool(store: Store, prefix: Cidr): Promise<void> {
  for (const type of ['host', 'virtual'] as const) {
    const { items } = await store.list(affinitiesPrefix(type));
    await releaseEach(
      store,
      items.filter(({ key }) => isWithin(key, prefix)),
      false,
    );
  }
}

/** Resolves to false where the block is not empty and must be. */
export function releaseBlock(store: Store, affinityKeyOf: string, mustBeEmpty: boolean): Promise<boolean> {
  const named = parseAffinityKey(affinityKeyOf);
  if (!named) return Promise.resolve(true);
  const { claimant, block: cidr } = named;
  return retried(cidr, async () => {
    const [stored = null, affinity = null] = await readKeys(store, [blockKey(cidr), affinityKeyOf]);
    const block = stored && readBlock(stored);
    const own = block !== null && block.affinity === affinityOf(claimant);
    if (own && mustBeEmpty && !isEmpty(block)) return false;
    if (own) orphan(block);
    const edits = own ? [{ block, cidr, stored, gains: new Map() }] : [];
    const transaction = transactionOf(edits, new Map());
    // An affinity to a block that is not there, or another's, stands for nothing: it goes only while that is so.
    if (!own) transaction.compares.push({ key: blockKey(cidr), revision: stored?.revision ?? null });
    if (affinity) dropAffinity(transaction, affinity);
    return commit(store, transaction, true);
  });
}

/** Resolves to whether the block is the claimant's now. */
export function claim(store: Store, cidr: Cidr, claimant: Claimant, birth: Birth | null): Promise<boolean> {
  const key = affinityKey(claimant, cidr);
  return retried(cidr, async () => {
    const [stored = null, affinity = null] = await readKeys(store, [blockKey(cidr), key]);
    if (stored && readBlock(stored).affinity !== affinityOf(claimant)) return false;
    const block = newBlock(cidr, affinityOf(claimant), birth);
    const transaction = transactionOf(stored ? [] : [{ block, cidr, stored: null, gains: new Map() }], new Map());
    if (stored) transaction.compares.push({ key: blockKey(cidr), revision: stored.revision });
    confirmAffinity(transaction, key, affinity);
    return commit(store, transaction, true);
  });
}

/** In the order of their addresses, to the first that must be empty and is not. */
async function releaseEach(store: Store, affinities: readonly KeyValue[], mustBeEmpty: boolean): Promise<void> {
  const named = affinities.flatMap(({ key }) => {
    const block = parseAffinityKey(key)?.block;
    return block ? [{ key, block, first: toBigInt(addressOf(block)) }] : [];
  });
  for (const { key, block } of named.sort((a, b) => (a.first < b.first ? -1 : 1))) {
    if (await releaseBlock(store, key, mustBeEmpty)) continue;
    throw new CalicoError('E_CONFLICT', block, 'has addresses in use: the affinity stays', {
      hint: 'release them first, or release the affinity without asking for empty blocks',
    });
  }
}

function isWithin(key: string, prefix: Cidr): boolean {
  const named = parseAffinityKey(key);
  return named !== null && contains(prefix, named.block);
}
