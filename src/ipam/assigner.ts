/** Assignment: read, plan, write in one transaction; again when somebody was quicker. */
import type { Store } from '../datastore/store.ts';
import { CalicoError } from '../errors/index.ts';
import { type Cidr, cidrOf, contains, type Family, familyOf, type Ip } from '../net/index.ts';
import { claim, releaseBlock } from './affinities.ts';
import { type Attributes, type Birth, type BlockOwner, newBlock, takeAddress } from './block.ts';
import { parseConfig } from './config.ts';
import { commit, confirmAffinity, retried, transactionOf } from './edit.ts';
import { affinityKey, affinityOf, blockKey, type Claimant, CONFIG_KEY, handleKey, POOLS } from './keys.ts';
import { blocksInOrder } from './order.ts';
import { type Assignment, type Plan, planAssignment, type Wish } from './plan.ts';
import { poolOf, poolsFor, readPools, type Use } from './pools.ts';
import { readBlock, readKeys } from './reading.ts';
import { readView, type View } from './view.ts';

/** Whose an address is to be. */
export interface Owner {
  readonly host: string;
  readonly handle?: string;
  readonly attributes?: Attributes;
  /** Default: Workload. With LoadBalancer the blocks are no host's. */
  readonly use?: Use;
}

export interface Request extends Owner {
  readonly family: Family;
  readonly count: number;
  /** Only from these pools, by prefix or name. */
  readonly pools?: readonly string[];
  /** Blocks that the host may have in all of the family. */
  readonly maxBlocks?: number;
}

export interface Assigned {
  readonly assignments: readonly Assignment[];
  /** Why there are fewer than asked for; null: there are not. E_EXHAUSTED, or E_CONFLICT where others were always quicker. */
  readonly shortage: CalicoError | null;
}

export class Assigner {
  readonly #store: Store;
  readonly #newer: boolean;
  readonly #now: () => number;
  /** The blocks that each claimant was last seen to have. A hint: it saves a round trip where it is still right. */
  readonly #likely = new Map<string, readonly Cidr[]>();

  /** `now`: milliseconds since the epoch. */
  constructor(store: Store, newer: boolean, now: () => number) {
    this.#store = store;
    this.#newer = newer;
    this.#now = now;
  }

  async autoAssign(request: Request): Promise<Assigned> {
    const assignments: Assignment[] = [];
    let complete = false;
    const round = async () => {
      const wish = this.#wish(request, request.count - assignments.length);
      let plan = await this.#plan(wish, complete);
      if (plan.unfinished === 'unknown') plan = await this.#plan(wish, true);
      complete ||= plan.guessed;
      return commit(this.#store, plan.transaction, plan);
    };
    while (assignments.length < request.count) {
      try {
        const plan = await retried(request.host, round);
        assignments.push(...plan.assignments);
        for (const affinity of plan.stale) await releaseBlock(this.#store, affinity, true);
        if (plan.shortage && plan.unfinished === null) return { assignments, shortage: plan.shortage };
      } catch (error) {
        // What has been given already must not be lost.
        if (assignments.length > 0 && error instanceof CalicoError) return { assignments, shortage: error };
        throw error;
      }
    }
    return { assignments, shortage: null };
  }

  async assign(address: Ip, owner: Owner): Promise<void> {
    const { claimant, owner: own, birth } = this.#wish({ ...owner, family: familyOf(address), count: 1 }, 1);
    const handle = own.handle_id ?? null;
    await retried(address, async () => {
      const [poolItems = [], config = []] = await this.#store.read([{ prefix: POOLS }, { key: CONFIG_KEY }]);
      const pool = poolOf(
        readPools(poolItems).filter(({ disabled }) => !disabled),
        address,
      );
      if (!pool) throw new CalicoError('E_NOT_FOUND', address, 'the address is in no enabled pool');
      const cidr = cidrOf(address, pool.blockSize);
      const keys = [blockKey(cidr), affinityKey(claimant, cidr), handleKey(handle ?? '')];
      const [stored = null, affinity = null, handleItem = null] = await readKeys(this.#store, keys);
      const block = stored ? readBlock(stored) : newBlock(cidr, affinityOf(claimant), birth);
      const { strictAffinity } = parseConfig(config[0]?.value, this.#newer);
      if (strictAffinity && block.affinity !== affinityOf(claimant)) throw strict(address, block.affinity);
      if (!takeAddress(block, address, own))
        throw new CalicoError('E_EXISTS', address, 'the address is assigned already');
      const edit = { block, cidr, stored, gains: new Map(handle ? [[handle, 1]] : []) };
      const transaction = transactionOf([edit], new Map(handle ? [[handle, handleItem]] : []));
      if (!stored) confirmAffinity(transaction, affinityKey(claimant, cidr), affinity);
      transaction.compares.push({ key: pool.stored.key, revision: pool.stored.revision });
      return commit(this.#store, transaction, true);
    });
  }

  async ensureBlock(host: string, family: Family, pools: readonly string[]): Promise<Cidr | null> {
    if (pools.length === 0) return null;
    const wish = this.#wish({ host, family, pools, count: 0 }, 0);
    const view = await this.#view(wish, false);
    const own = [...view.affinities.keys()];
    const wanted = { host, family, use: wish.use, pools };
    for (const { cidr, blockSize } of poolsFor(view.pools, wanted, view.labels)) {
      const present = own.find((block) => contains(cidr, block));
      if (present && (await claim(this.#store, present, wish.claimant, wish.birth))) return present;
      for (const block of blocksInOrder(cidr, blockSize, host))
        if (await claim(this.#store, block, wish.claimant, wish.birth)) return block;
    }
    throw new CalicoError('E_EXHAUSTED', host, `no IPv${family} block is left in ${pools.join(', ')}`);
  }

  async #plan(wish: Wish, complete: boolean): Promise<Plan> {
    const view = await this.#view(wish, complete);
    const plan = planAssignment(view, wish);
    this.#likely.set(remembered(wish), [...view.affinities.keys(), ...plan.claimed]);
    return plan;
  }

  #view(wish: Wish, complete: boolean): Promise<View> {
    const { claimant, family, owner } = wish;
    const likely = this.#likely.get(remembered(wish)) ?? [];
    const handle = owner.handle_id ?? undefined;
    return readView(this.#store, { claimant, family, handle, newer: this.#newer, likely, complete });
  }

  #wish(
    { host, handle, attributes, use = 'Workload', family, pools = [], maxBlocks = 0 }: Request,
    count: number,
  ): Wish {
    const claimant: Claimant = { type: use === 'LoadBalancer' ? 'virtual' : 'host', name: host };
    const owner: BlockOwner = { handle_id: handle || null, secondary: attributes ?? null };
    return { claimant, family, count, owner, use, pools, maxBlocks, birth: this.#birth() };
  }

  #birth(): Birth | null {
    return this.#newer ? BigInt(this.#now()) * 1_000_000n : null;
  }
}

function strict(address: Ip, affinity: string | null): CalicoError {
  return new CalicoError('E_CONFLICT', address, `the block belongs to ${affinity ?? 'no host'}`, {
    hint: 'strict affinity allows addresses of the host’s own blocks only',
  });
}

function remembered({ claimant, family }: Wish): string {
  return `${affinityOf(claimant)} ${family}`;
}
