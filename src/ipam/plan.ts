/** Where one request's addresses come from: of the host's own blocks, of blocks that it claims, of others' blocks. Pure. */
import type { KeyValue } from '../datastore/store.ts';
import { CalicoError } from '../errors/index.ts';
import { type Cidr, contains, type Family, type Ip } from '../net/index.ts';
import { type Birth, type Block, type BlockOwner, isEmpty, newBlock, take } from './block.ts';
import { type BlockEdit, confirmAffinity, dropAffinity, type Transaction, transactionOf } from './edit.ts';
import { affinityKey, affinityOf, type Claimant } from './keys.ts';
import { blocksInOrder, sortInOrder } from './order.ts';
import { type Pool, poolsFor, selects, type Use } from './pools.ts';
import { readableBlock } from './reading.ts';
import type { View } from './view.ts';

export interface Assignment {
  readonly address: Ip;
  readonly block: Cidr;
}

export interface Wish {
  readonly claimant: Claimant;
  readonly family: Family;
  readonly count: number;
  readonly owner: BlockOwner;
  readonly use: Use;
  readonly pools: readonly string[];
  /** Blocks that the claimant may have of the family; 0: as many as it needs. */
  readonly maxBlocks: number;
  /** For blocks that are new; null: of v3.15's form. */
  readonly birth: Birth | null;
}

export interface Plan {
  readonly assignments: readonly Assignment[];
  readonly transaction: Transaction;
  /** Blocks that the claimant gets by it. */
  readonly claimed: readonly Cidr[];
  /** Keys of affinities to empty blocks of pools that do not select the node any more: to be released. */
  readonly stale: readonly string[];
  /** It took a block for free without knowing so. */
  readonly guessed: boolean;
  /** There may be more to get: when every block is known, or in another transaction. */
  readonly unfinished: 'unknown' | 'large' | null;
  /** Why it has fewer addresses than wished for, in the end. */
  readonly shortage: CalicoError | null;
}

/** A transaction may have 128 operations; a block takes two or three. */
const MOST_EDITS = 30;
const AFFINITY_CONFIRMED = /"state":\s*"confirmed"/;

/** Throws E_NOT_FOUND: no pool can be used. */
export function planAssignment(view: View, wish: Wish): Plan {
  return new Planning(view, wish).run();
}

class Planning {
  readonly #view: View;
  readonly #wish: Wish;
  readonly #pools: readonly Pool[];
  readonly #got: Assignment[] = [];
  readonly #edits: BlockEdit[] = [];
  readonly #claimed: Cidr[] = [];
  readonly #foreign: KeyValue[] = [];
  #guessed = false;

  constructor(view: View, wish: Wish) {
    this.#view = view;
    this.#wish = wish;
    const wanted = { host: wish.claimant.name, family: wish.family, use: wish.use, pools: wish.pools };
    this.#pools = poolsFor(view.pools, wanted, view.labels);
  }

  run(): Plan {
    const { config, complete } = this.#view;
    this.#takeOwn();
    if (config.autoAllocateBlocks) this.#claim();
    if (!config.strictAffinity && complete) this.#borrow();
    const short = this.#missing() > 0;
    const large = short && this.#edits.length >= MOST_EDITS;
    const unknown = short && !complete && (config.autoAllocateBlocks || !config.strictAffinity);
    return {
      assignments: this.#got,
      transaction: this.#transaction(),
      claimed: this.#claimed,
      stale: this.#stale(),
      guessed: this.#guessed,
      unfinished: large ? 'large' : unknown ? 'unknown' : null,
      shortage: short ? this.#shortage() : null,
    };
  }

  /** Also of blocks that the claimant only began to claim. */
  #takeOwn(): void {
    const own = affinityOf(this.#wish.claimant);
    for (const [block, affinity] of this.#view.affinities) {
      if (this.#done()) return;
      if (!this.#pools.some((pool) => contains(pool.cidr, block))) continue;
      const stored = this.#view.blocks.get(block) ?? null;
      if (stored === null) this.#takeNew(block);
      else {
        const parsed = readableBlock(stored);
        if (parsed && parsed.affinity !== own) this.#foreign.push(affinity);
        else if (parsed) this.#take(parsed, stored);
      }
    }
  }

  /** The first candidate is nearly always free; after that it takes every block of the family to know. */
  #claim(): void {
    const reserved = (block: Cidr) => this.#view.reserved?.around(block);
    // Where a host starts takes longer to find than all the rest.
    for (const pool of this.#done() ? [] : this.#pools) {
      for (const block of blocksInOrder(pool.cidr, pool.blockSize, this.#wish.claimant.name, reserved)) {
        if (this.#done() || this.#full() || (this.#guessed && !this.#view.complete)) return;
        if (this.#view.blocks.get(block) || this.#claimed.includes(block)) continue;
        if (!this.#view.complete) this.#guessed = true;
        this.#takeNew(block);
      }
    }
  }

  #borrow(): void {
    const existing = [...this.#view.blocks].flatMap(([block, stored]) => (stored ? [block] : []));
    for (const pool of this.#done() ? [] : this.#pools) {
      for (const block of sortInOrder(existing, pool.cidr, pool.blockSize, this.#wish.claimant.name)) {
        if (this.#done()) return;
        if (this.#edits.some(({ cidr }) => cidr === block)) continue;
        const stored = this.#view.blocks.get(block) as KeyValue;
        const parsed = readableBlock(stored);
        if (parsed) this.#take(parsed, stored);
      }
    }
  }

  #takeNew(block: Cidr): void {
    const { claimant, birth } = this.#wish;
    if (this.#take(newBlock(block, affinityOf(claimant), birth), null)) this.#claimed.push(block);
  }

  #take(block: Block, stored: KeyValue | null): boolean {
    const { owner } = this.#wish;
    const addresses = take(block, this.#missing(), owner, this.#view.reserved);
    if (addresses.length === 0) return false;
    const gains = new Map(owner.handle_id ? [[owner.handle_id, addresses.length]] : []);
    this.#edits.push({ block, cidr: block.cidr, stored, gains });
    this.#got.push(...addresses.map((address) => ({ address, block: block.cidr })));
    return true;
  }

  #transaction(): Transaction {
    const { claimant, owner } = this.#wish;
    const { affinities, handle } = this.#view;
    const transaction = transactionOf(this.#edits, new Map(owner.handle_id ? [[owner.handle_id, handle]] : []));
    for (const { block } of this.#edits) {
      if (block?.affinity !== affinityOf(claimant)) continue;
      const affinity = affinities.get(block.cidr) ?? null;
      if (affinity === null || !AFFINITY_CONFIRMED.test(affinity.value))
        confirmAffinity(transaction, affinityKey(claimant, block.cidr), affinity);
    }
    for (const affinity of this.#foreign) dropAffinity(transaction, affinity);
    this.#guardPools(transaction);
    return transaction;
  }

  /** A pool that has been changed, disabled or deleted meanwhile gives nothing. */
  #guardPools({ compares }: Transaction): void {
    for (const { cidr, stored } of this.#pools) {
      if (this.#got.some(({ address }) => contains(cidr, address)))
        compares.push({ key: stored.key, revision: stored.revision });
    }
  }

  #stale(): string[] {
    const { affinities, blocks, labels, pools } = this.#view;
    return [...affinities].flatMap(([cidr, { key }]) => {
      const pool = pools.find((pool) => !pool.disabled && contains(pool.cidr, cidr));
      if (!pool || selects(pool, labels)) return [];
      const block = blocks.get(cidr) ? readableBlock(blocks.get(cidr) as KeyValue) : null;
      return block && isEmpty(block) ? [key] : [];
    });
  }

  #missing(): number {
    return this.#wish.count - this.#got.length;
  }

  #done(): boolean {
    return this.#missing() <= 0 || this.#edits.length >= MOST_EDITS;
  }

  /** Has the claimant all blocks that it may have? */
  #full(): boolean {
    const { affinities, config } = this.#view;
    const limits = [this.#wish.maxBlocks, config.maxBlocksPerHost].filter((limit) => limit > 0);
    return affinities.size - this.#foreign.length + this.#claimed.length >= Math.min(...limits);
  }

  #shortage(): CalicoError {
    const { family, count, claimant } = this.#wish;
    const { autoAllocateBlocks } = this.#view.config;
    const places = this.#pools.map(({ cidr }) => cidr).join(', ');
    const got = `${this.#got.length} of ${count} IPv${family} addresses`;
    if (!autoAllocateBlocks)
      return new CalicoError('E_EXHAUSTED', claimant.name, `${got}: its blocks in ${places} have no more`, {
        hint: 'AutoAllocateBlocks is off: claim a block for the host, or turn it on',
      });
    if (this.#full())
      return new CalicoError('E_EXHAUSTED', claimant.name, `${got}: it has as many blocks as a host may have`, {
        hint: 'raise MaxBlocksPerHost, or release addresses that nothing uses (calicoctl ipam check)',
      });
    return new CalicoError('E_EXHAUSTED', claimant.name, `${got}: none is left in ${places}`, {
      hint: 'add an IPPool, or release addresses that nothing uses (calicoctl ipam check)',
    });
  }
}
