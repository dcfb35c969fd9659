/** Release: of addresses, wherever their blocks are, and of everything that a handle has. */
import type { KeyValue, Store } from '../datastore/store.ts';
import { CalicoError } from '../errors/index.ts';
import { type Cidr, contains, type Ip } from '../net/index.ts';
import { addressesOf, type Block, ownerOf, release, sequenceOf } from './block.ts';
import { changeBlock, commit, retried, type Transaction, writeHandle } from './edit.ts';
import { parseHandle } from './handle.ts';
import { blockKey, blocksAround, handleKey } from './keys.ts';
import { AT_ONCE, readBlock, readBlocks, readKeys } from './reading.ts';

/** With a handle or a sequence number: only while the address belongs to it; else E_CONFLICT, and nothing of its block is released. */
export interface ReleaseOf {
  readonly address: Ip;
  /** Null: given without one. */
  readonly handle?: string | null;
  readonly sequenceNumber?: bigint;
}

/** Blocks change one by one, each with the handles that count it. Resolves to the addresses that were not assigned. */
export async function releaseAddresses(store: Store, wanted: readonly ReleaseOf[]): Promise<Ip[]> {
  const all = wanted.map(({ address }) => address);
  const unused = new Set(all);
  for (const cidr of (await blocksOf(store, all)).keys()) {
    const members = wanted.filter(({ address }) => contains(cidr, address));
    const freed = await changeBlock(store, cidr, (block) => {
      for (const member of members) checkOwner(block, member);
      const { counts, freed } = release(
        block,
        members.map(({ address }) => address),
      );
      return freed.length > 0 ? { answer: freed, gains: negated(counts) } : null;
    });
    for (const address of freed ?? []) unused.delete(address);
  }
  return all.filter((address) => unused.has(address));
}

/** E_NOT_FOUND: no such handle. */
export async function releaseHandle(store: Store, handle: string): Promise<void> {
  const blocks = Object.keys(parseHandle((await handleItem(store, handle)).value)) as Cidr[];
  for (const cidr of blocks) {
    await changeBlock(store, cidr, (block) => {
      const { counts, freed } = release(block, addressesOf(block, handle));
      return freed.length > 0 ? { answer: freed, gains: negated(counts) } : null;
    });
  }
  await recount(store, handle, blocks);
}

/** E_NOT_FOUND: no such handle. */
export async function handleItem(store: Store, handle: string): Promise<KeyValue> {
  const stored = await store.get(handleKey(handle));
  if (!stored) throw new CalicoError('E_NOT_FOUND', handle, 'no such handle');
  return stored;
}

/** The blocks that there are of these addresses, whatever pools there are. */
export async function blocksOf(store: Store, addresses: readonly Ip[]): Promise<Map<Cidr, KeyValue>> {
  const read = await readBlocks(store, [...new Set(addresses.flatMap(blocksAround))]);
  return new Map([...read].flatMap(([cidr, stored]) => (stored ? [[cidr, stored] as const] : [])));
}

/**
 * Makes the handle count what these blocks really hold of it: upstream counts what was asked for, not what was given, and
 * its clients may die between the two writes.
 */
export async function recount(store: Store, handle: string, blocks: readonly Cidr[]): Promise<void> {
  const read = blocks.slice(0, AT_ONCE);
  await retried(handle, async () => {
    const [stored = null, ...items] = await readKeys(store, [handleKey(handle), ...read.map(blockKey)]);
    const counts = stored ? parseHandle(stored.value) : {};
    const gains = new Map(read.map((cidr, i) => [cidr, held(items[i], handle) - (counts[cidr] ?? 0)]));
    if ([...gains.values()].every((gain) => gain === 0)) return true;
    const compares = read.map((cidr, i) => ({ key: blockKey(cidr), revision: items[i]?.revision ?? null }));
    const transaction: Transaction = { compares, writes: [] };
    writeHandle(transaction, handle, stored, gains);
    return commit(store, transaction, true);
  });
  if (blocks.length > read.length) await recount(store, handle, blocks.slice(read.length));
}

function held(stored: KeyValue | null | undefined, handle: string): number {
  return stored ? addressesOf(readBlock(stored), handle).length : 0;
}

function checkOwner(block: Block, { address, handle, sequenceNumber }: ReleaseOf): void {
  const owner = ownerOf(block, address);
  if (!owner) return;
  const other = handle !== undefined && (owner.handle_id ?? null) !== handle;
  const later = sequenceNumber !== undefined && (sequenceOf(block, address) ?? sequenceNumber) !== sequenceNumber;
  if (other || later)
    throw new CalicoError('E_CONFLICT', address, `has been given to ${owner.handle_id ?? 'somebody else'} meanwhile`);
}

function negated(counts: ReadonlyMap<string, number>): Map<string, number> {
  return new Map([...counts].map(([handle, count]) => [handle, -count]));
}
