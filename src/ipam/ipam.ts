/** Address allocation over a datastore: hosts own blocks of the pools, workloads get addresses of their host's blocks. */
import type { Store } from '../datastore/store.ts';
import { CalicoError } from '../errors/index.ts';
import { type Cidr, cidrOf, contains, type Family, type Ip } from '../net/index.ts';
import type { Attributes, Block } from './block.ts';
import * as blocks from './block.ts';
import { changeBlock, dropAffinity, type Outcome } from './change.ts';
import {
  affinityPrefix,
  blockKey,
  blockOfKey,
  blockPrefix,
  CONFIG_KEY,
  handleKey,
  type IpamConfig,
  parseConfig,
  parseHandle,
} from './keys.ts';
import { blocksInOrder, sortInOrder } from './order.ts';
import { enabledPools, type Pool, poolOf, poolsFor } from './pools.ts';

/** Whose an address is to be. */
export interface Owner {
  readonly host: string;
  readonly handle?: string;
  readonly attributes?: Attributes;
}

export interface Assignment {
  readonly address: Ip;
  readonly block: Cidr;
}

interface Request extends Owner {
  readonly family: Family;
  readonly count: number;
  /** Only from these pools. */
  readonly pools?: readonly Cidr[];
}

export class Ipam {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Assigns `count` addresses: of the host's own blocks, then of blocks that it claims, then (unless affinity is strict)
   * of others' blocks. Fewer where the pools have no more. E_NOT_FOUND: no such pool.
   */
  async autoAssign(request: Request): Promise<Assignment[]> {
    const { host, family, count } = request;
    const pools = await poolsFor(this.#store, host, family, request.pools ?? []);
    const config = await this.config();
    const got: Assignment[] = [];
    for (const block of await this.#affineBlocks(host, family, pools)) {
      if (got.length < count) got.push(...(await this.#takeOwn(block, count - got.length, request)));
    }
    if (config.autoAllocateBlocks) await this.#claimMore(pools, request, got);
    if (!config.strictAffinity) await this.#borrow(pools, request, got);
    return got;
  }

  /** Assigns this address. E_NOT_FOUND: in no pool; E_EXISTS: taken; E_CONFLICT: another host's block, and affinity is strict. */
  async assign(address: Ip, owner: Owner): Promise<void> {
    const pool = poolOf(await enabledPools(this.#store), address);
    if (!pool) throw new CalicoError('E_NOT_FOUND', address, 'the address is in no enabled pool');
    const { strictAffinity } = await this.config();
    const { host } = owner;
    const apply = (block: Block): Outcome<true> => {
      if (strictAffinity && blocks.hostOf(block) !== host) {
        throw new CalicoError('E_CONFLICT', address, `the block belongs to ${blocks.hostOf(block) ?? 'no host'}`, {
          hint: 'strict affinity allows addresses of the host’s own blocks only',
        });
      }
      if (!blocks.takeAddress(block, address, owner.handle ?? null, owner.attributes ?? null)) {
        throw new CalicoError('E_EXISTS', address, 'the address is assigned already');
      }
      return { answer: true, handles: gain(owner, 1) };
    };
    await changeBlock(this.#store, { block: cidrOf(address, pool.blockSize), claimFor: host, apply });
  }

  /** Frees the addresses. Returns those that were not assigned. */
  async release(addresses: readonly Ip[]): Promise<Ip[]> {
    const pools = await enabledPools(this.#store);
    const byBlock = new Map<Cidr | null, Ip[]>();
    for (const address of addresses) {
      const pool = poolOf(pools, address);
      const block = pool ? cidrOf(address, pool.blockSize) : null;
      byBlock.set(block, [...(byBlock.get(block) ?? []), address]);
    }
    const unused: Ip[] = [];
    for (const [block, members] of byBlock)
      unused.push(...((block && (await this.#releaseOf(block, members))) ?? members));
    return unused;
  }

  /** Frees everything that the handle has. E_NOT_FOUND: no such handle. */
  async releaseByHandle(handle: string): Promise<void> {
    for (const block of await this.#blocksOf(handle)) {
      const apply = (stored: Block): Outcome<true> => {
        const { counts } = blocks.release(stored, blocks.addressesOf(stored, handle));
        return { answer: true, handles: negated(counts) };
      };
      await changeBlock(this.#store, { block, apply });
    }
  }

  /** E_NOT_FOUND: no such handle. */
  async addressesOf(handle: string): Promise<Ip[]> {
    const out: Ip[] = [];
    for (const block of await this.#blocksOf(handle)) {
      const stored = await this.#block(block);
      if (stored) out.push(...blocks.addressesOf(stored, handle));
    }
    return out;
  }

  /** E_NOT_FOUND: the address is not assigned, or in no pool. */
  async ownerOf(address: Ip): Promise<{ handle: string | null; attributes: Attributes | null }> {
    const pool = poolOf(await enabledPools(this.#store), address);
    const block = pool && (await this.#block(cidrOf(address, pool.blockSize)));
    const owner = block && blocks.ownerOf(block, address);
    if (!owner)
      throw new CalicoError('E_NOT_FOUND', address, pool ? 'the address is not assigned' : 'is in no enabled pool');
    return owner;
  }

  async config(): Promise<IpamConfig> {
    return parseConfig((await this.#store.get(CONFIG_KEY))?.value);
  }

  /** The host's blocks in these pools; also those it only began to claim. */
  async #affineBlocks(host: string, family: Family, pools: readonly Pool[]): Promise<Cidr[]> {
    const { items } = await this.#store.list(affinityPrefix(host, family));
    return items.map(({ key }) => blockOfKey(key)).filter((block) => pools.some((pool) => contains(pool.cidr, block)));
  }

  /** Of a block that is the host's, or that nobody has yet: then it becomes the host's. Nothing where it is another's. */
  async #takeOwn(block: Cidr, count: number, owner: Owner): Promise<Assignment[]> {
    const own = (stored: Block) => blocks.hostOf(stored) === owner.host;
    const got = await this.#take(block, count, owner, own, owner.host);
    if (got.length === 0) await dropAffinity(this.#store, owner.host, block);
    return got;
  }

  async #take(
    block: Cidr,
    count: number,
    owner: Owner,
    usable: (block: Block) => boolean,
    claimFor?: string,
  ): Promise<Assignment[]> {
    const apply = (stored: Block): Outcome<Ip[]> | null => {
      if (!usable(stored)) return null;
      const answer = blocks.take(stored, count, owner.handle ?? null, owner.attributes ?? null);
      return answer.length > 0 ? { answer, handles: gain(owner, answer.length) } : null;
    };
    const change = claimFor === undefined ? { block, apply } : { block, apply, claimFor };
    const addresses = (await changeBlock(this.#store, change)) ?? [];
    return addresses.map((address) => ({ address, block }));
  }

  async #claimMore(pools: readonly Pool[], request: Request, got: Assignment[]): Promise<void> {
    // The first candidate is nearly always free: only when one was not is it worth asking which blocks exist.
    let taken: Set<Cidr> | null = null;
    for (const pool of pools) {
      for (const block of blocksInOrder(pool.cidr, pool.blockSize, request.host)) {
        if (got.length >= request.count) return;
        if (taken?.has(block)) continue;
        const more = await this.#takeOwn(block, request.count - got.length, request);
        got.push(...more);
        if (more.length === 0) taken ??= new Set(await this.#blocksThatExist(request.family));
      }
    }
  }

  async #borrow(pools: readonly Pool[], request: Request, got: Assignment[]): Promise<void> {
    if (got.length >= request.count) return;
    const existing = await this.#blocksThatExist(request.family);
    for (const pool of pools) {
      for (const block of sortInOrder(existing, pool.cidr, pool.blockSize, request.host)) {
        if (got.length >= request.count) return;
        got.push(...(await this.#take(block, request.count - got.length, request, () => true)));
      }
    }
  }

  /** Null when there is no block. */
  async #releaseOf(block: Cidr, addresses: readonly Ip[]): Promise<Ip[] | null> {
    let unused: Ip[] | null = null;
    const apply = (stored: Block): Outcome<true> | null => {
      const released = blocks.release(stored, addresses);
      unused = released.unused;
      return unused.length === addresses.length ? null : { answer: true, handles: negated(released.counts) };
    };
    await changeBlock(this.#store, { block, apply });
    return unused;
  }

  async #block(block: Cidr): Promise<Block | null> {
    const stored = await this.#store.get(blockKey(block));
    return stored && blocks.parseBlock(stored.value);
  }

  async #blocksThatExist(family: Family): Promise<Cidr[]> {
    const { items } = await this.#store.list(blockPrefix(family));
    return items.map(({ key }) => blockOfKey(key));
  }

  async #blocksOf(handle: string): Promise<Cidr[]> {
    const stored = await this.#store.get(handleKey(handle));
    if (!stored) throw new CalicoError('E_NOT_FOUND', handle, 'no such handle');
    return Object.keys(parseHandle(stored.value)) as Cidr[];
  }
}

function gain({ handle }: Owner, count: number): Map<string, number> {
  return new Map(handle === undefined ? [] : [[handle, count]]);
}

function negated(counts: ReadonlyMap<string, number>): Map<string, number> {
  return new Map([...counts].map(([handle, count]) => [handle, -count]));
}
