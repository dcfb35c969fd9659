/**
 * Changed blocks and the handles that count their addresses, as one transaction: they never disagree, and whoever is killed
 * has done all of it or nothing. Who comes second reads again and retries.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { toJson } from '../api/json.ts';
import type { Compare, KeyValue, Store, Write } from '../datastore/store.ts';
import { CalicoError } from '../errors/index.ts';
import type { Cidr } from '../net/index.ts';
import { type Block, countWrite, isEmpty } from './block.ts';
import { countedHandle } from './handle.ts';
import { blockKey, handleKey } from './keys.ts';
import { readBlock, readKeys } from './reading.ts';

const ATTEMPTS = 100;
const RETRY = Symbol('retry');
const CONFIRMED = toJson({ state: 'confirmed', deleted: false });

export interface BlockEdit {
  /** As it is to be; null: it goes. */
  readonly block: Block | null;
  readonly cidr: Cidr;
  /** What it was made of; null: it is new. */
  readonly stored: KeyValue | null;
  /** How many addresses each handle gained (or lost). */
  readonly gains: ReadonlyMap<string, number>;
}

export interface Transaction {
  readonly compares: Compare[];
  readonly writes: Write[];
}

/** `handles`: what is stored of every handle that gained or lost. */
export function transactionOf(edits: readonly BlockEdit[], handles: ReadonlyMap<string, KeyValue | null>): Transaction {
  const compares: Compare[] = [];
  const writes: Write[] = [];
  for (const { block, cidr, stored, gains } of edits) {
    const key = blockKey(cidr);
    compares.push({ key, revision: stored?.revision ?? null });
    writes.push({ key, value: block && written(block, stored !== null || gains.size > 0 || !isEmpty(block)) });
  }
  const transaction = { compares, writes };
  for (const [handle, stored] of handles) {
    const gains = edits.flatMap(({ cidr, gains }) => (gains.has(handle) ? [[cidr, gains.get(handle)] as const] : []));
    writeHandle(transaction, handle, stored, new Map(gains as [Cidr, number][]));
  }
  return transaction;
}

/** `gains`: how many addresses of which block the handle gains or loses. */
export function writeHandle(
  transaction: Transaction,
  handle: string,
  stored: KeyValue | null,
  gains: ReadonlyMap<Cidr, number>,
): void {
  const key = handleKey(handle);
  const value = countedHandle(stored?.value ?? null, gains);
  if (stored === null && value === null) return;
  transaction.compares.push({ key, revision: stored?.revision ?? null });
  transaction.writes.push({ key, value });
}

/** The claimant's side of a claim; `stored`: what is there already. */
export function confirmAffinity(transaction: Transaction, key: string, stored: KeyValue | null): void {
  transaction.compares.push({ key, revision: stored?.revision ?? null });
  transaction.writes.push({ key, value: CONFIRMED });
}

/** Nothing is left that it could stand for. */
export function dropAffinity(transaction: Transaction, stored: KeyValue): void {
  transaction.compares.push({ key: stored.key, revision: stored.revision });
  transaction.writes.push({ key: stored.key, value: null });
}

/** Until it succeeds: `attempt` reads, decides and writes; it gives `retry` when somebody was quicker. E_CONFLICT after many attempts in vain. */
export async function retried<T>(subject: string, attempt: () => Promise<T | typeof RETRY>): Promise<T> {
  for (let i = 0; i < ATTEMPTS; i++) {
    const result = await attempt();
    if (result !== RETRY) return result as T;
    await sleep(Math.random() * Math.min(100, 2 ** i));
  }
  throw new CalicoError('E_CONFLICT', subject, 'keeps changing', { hint: 'try again' });
}

/** RETRY when somebody was quicker, else the answer. */
export async function commit<T>(store: Store, { compares, writes }: Transaction, answer: T): Promise<T | typeof RETRY> {
  if (writes.length === 0) return answer;
  return (await store.transact(compares, writes)) === null ? RETRY : answer;
}

function written(block: Block, counts: boolean): string | null {
  if (block.affinity === null && isEmpty(block)) return null;
  if (counts) countWrite(block);
  return toJson(block);
}

/** What becomes of one block, and how many of its addresses each handle gains or loses. */
export interface Change<T> {
  readonly answer: T;
  readonly gains: ReadonlyMap<string, number>;
}

/** `apply` changes the block in place; null: nothing is to be done. Resolves to null then, and where there is no block. */
export function changeBlock<T>(store: Store, cidr: Cidr, apply: (block: Block) => Change<T> | null): Promise<T | null> {
  return retried<T | null>(cidr, async () => {
    const stored = await store.get(blockKey(cidr));
    const block = stored && readBlock(stored);
    const change = block && apply(block);
    if (!change) return null;
    const handles = await readHandles(store, [...change.gains.keys()]);
    return commit(store, transactionOf([{ block, cidr, stored, gains: change.gains }], handles), change.answer);
  });
}

async function readHandles(store: Store, handles: readonly string[]): Promise<Map<string, KeyValue | null>> {
  const items = await readKeys(store, handles.map(handleKey));
  return new Map(handles.map((handle, i) => [handle, items[i] ?? null]));
}
