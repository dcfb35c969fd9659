/**
 * Changing a block and the handles that count its addresses in one transaction, so that they never disagree; who comes
 * second reads again and retries.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Compare, Store, Write } from '../datastore/store.ts';
import { CalicoError } from '../errors/index.ts';
import type { Cidr } from '../net/index.ts';
import { type Block, hostOf, isEmpty, newBlock, parseBlock } from './block.ts';
import { affinityKey, blockKey, CONFIRMED, formatHandle, type HandleCounts, handleKey, parseHandle } from './keys.ts';

const ATTEMPTS = 100;

/** What was done: the answer, and how many addresses of the block each handle gained (or lost). */
export interface Outcome<T> {
  readonly answer: T;
  readonly handles: ReadonlyMap<string, number>;
}

export interface BlockChange<T> {
  readonly block: Cidr;
  /** The host that claims the block where it does not exist; without one there must be a block. */
  readonly claimFor?: string;
  /** Changes the block in place. Null: leave it as it is. */
  readonly apply: (block: Block) => Outcome<T> | null;
}

/** Resolves to null when there is no block, or `apply` left it as it was. E_CONFLICT after many attempts in vain. */
export async function changeBlock<T>(store: Store, change: BlockChange<T>): Promise<T | null> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const key = blockKey(change.block);
    const stored = await store.get(key);
    if (!stored && change.claimFor === undefined) return null;
    const block = stored ? parseBlock(stored.value) : newBlock(change.block, change.claimFor as string);
    const outcome = change.apply(block);
    if (!outcome) return null;
    const compares: Compare[] = [{ key, revision: stored?.revision ?? null }];
    const writes: Write[] = [{ key, value: block.affinity === null && isEmpty(block) ? null : JSON.stringify(block) }];
    if (!stored) writes.push({ key: affinityKey(change.claimFor as string, block.cidr), value: CONFIRMED });
    for (const [handle, gained] of outcome.handles) {
      const edit = await editHandle(store, handle, block.cidr, gained);
      if (!edit) continue;
      compares.push(edit.compare);
      writes.push(edit.write);
    }
    if ((await store.transact(compares, writes)) !== null) return outcome.answer;
    await sleep(Math.random() * Math.min(100, 2 ** attempt));
  }
  throw new CalicoError('E_CONFLICT', change.block, 'the block keeps changing', { hint: 'try again' });
}

/** Removes an affinity that names a block of another host. */
export async function dropAffinity(store: Store, host: string, block: Cidr): Promise<void> {
  const stored = await store.get(blockKey(block));
  if (!stored || hostOf(parseBlock(stored.value)) === host) return;
  const compares = [{ key: blockKey(block), revision: stored.revision }];
  await store.transact(compares, [{ key: affinityKey(host, block), value: null }]);
}

async function editHandle(store: Store, handle: string, block: Cidr, gained: number) {
  const key = handleKey(handle);
  const stored = await store.get(key);
  if (!stored && gained <= 0) return null;
  const counts: HandleCounts = stored ? parseHandle(stored.value) : {};
  const count = (counts[block] ?? 0) + gained;
  if (count > 0) counts[block] = count;
  else delete counts[block];
  const value = Object.keys(counts).length > 0 ? formatHandle(counts) : null;
  return { compare: { key, revision: stored?.revision ?? null }, write: { key, value } };
}
