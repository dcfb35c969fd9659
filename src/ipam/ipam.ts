/**
 * Address allocation over a datastore: hosts own blocks of the pools, workloads get addresses of their host's blocks. Every
 * operation is safe against any number of clients at the same time, of ours and of upstream's, and against being killed.
 *
 * Errors beside those that are named: E_DATASTORE, after which an assignment may or may not have been made (release the
 * handle), and E_CONFLICT where others were quicker a hundred times.
 */
import type { Store } from '../datastore/store.ts';
import { CalicoError } from '../errors/index.ts';
import type { Cidr, Family, Ip } from '../net/index.ts';
import { claimAffinity, releaseAffinity, releaseClaimant, releasePool } from './affinities.ts';
import { type Assigned, Assigner, type Owner, type Request } from './assigner.ts';
import { type Attributes, addressesOf, type Birth, ownerOf, reown, sequenceOf } from './block.ts';
import { formatConfig, type IpamConfig, parseConfig } from './config.ts';
import { changeBlock } from './edit.ts';
import { parseHandle } from './handle.ts';
import { blockPrefix, type Claimant, CONFIG_KEY, POOLS, RESERVATIONS } from './keys.ts';
import { readPools, readReserved } from './pools.ts';
import { readableBlock, readBlock, readBlocks } from './reading.ts';
import { blocksOf, handleItem, type ReleaseOf, releaseAddresses, releaseHandle } from './release.ts';
import { upgradeClaimant } from './upgrade.ts';
import { type PoolUsage, usage } from './usage.ts';

export interface IpamOptions {
  /** Which upstream's form new blocks have; blocks that exist keep theirs. Default: v3.15. */
  readonly form?: 'v3.15' | 'v3.34';
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** Whose an assigned address is. */
export interface AddressOwner {
  readonly handle: string | null;
  readonly attributes: Attributes | null;
  readonly alternate: Attributes | null;
  readonly block: Cidr;
  /** Of the block when the address was given; null in blocks of v3.15's form. */
  readonly sequenceNumber: bigint | null;
}

/** A host's name, or a claimant that is none. */
type Who = string | Claimant;

export class Ipam {
  readonly #store: Store;
  readonly #newer: boolean;
  readonly #now: () => number;
  readonly #assigner: Assigner;

  constructor(store: Store, { form = 'v3.15', now = Date.now }: IpamOptions = {}) {
    this.#store = store;
    this.#newer = form === 'v3.34';
    this.#now = now;
    this.#assigner = new Assigner(store, this.#newer, now);
  }

  /**
   * Assigns `count` addresses of one family: of the host's own blocks, then of blocks that it claims, then (unless affinity
   * is strict) of others' blocks. E_NOT_FOUND: no pool is to be used, or one that was asked for is not there.
   */
  autoAssign(request: Request): Promise<Assigned> {
    return this.#assigner.autoAssign(request);
  }

  /** Assigns this address, also a reserved one. E_NOT_FOUND: in no enabled pool; E_EXISTS: taken; E_CONFLICT: another host's block, and affinity is strict. */
  assign(address: Ip, owner: Owner): Promise<void> {
    return this.#assigner.assign(address, owner);
  }

  /** Frees the addresses, whatever pools there are. Resolves to those that were not assigned. E_CONFLICT: one is not whose it should be. */
  release(addresses: readonly (Ip | ReleaseOf)[]): Promise<Ip[]> {
    const wanted = addresses.map((address) => (typeof address === 'string' ? { address } : address));
    return releaseAddresses(this.#store, wanted);
  }

  /** Frees everything that the handle has. E_NOT_FOUND: no such handle. */
  releaseByHandle(handle: string): Promise<void> {
    return releaseHandle(this.#store, handle);
  }

  /** By block, ascending within each. E_NOT_FOUND: no such handle. */
  async addressesOf(handle: string): Promise<Ip[]> {
    const counts = parseHandle((await handleItem(this.#store, handle)).value);
    const stored = await readBlocks(this.#store, Object.keys(counts) as Cidr[]);
    return [...stored.values()].flatMap((item) => (item ? addressesOf(readBlock(item), handle) : []));
  }

  /** E_NOT_FOUND: the address is not assigned. */
  async ownerOf(address: Ip): Promise<AddressOwner> {
    for (const [cidr, stored] of await blocksOf(this.#store, [address])) {
      const block = readBlock(stored);
      const owner = ownerOf(block, address);
      if (!owner) continue;
      return {
        handle: owner.handle_id ?? null,
        attributes: owner.secondary ?? null,
        alternate: owner.alternateOwnerAttrs ?? null,
        block: cidr,
        sequenceNumber: sequenceOf(block, address),
      };
    }
    throw new CalicoError('E_NOT_FOUND', address, 'the address is not assigned');
  }

  /**
   * Says anew whose the address is; what is not given stays, `{}` empties it. E_CONFLICT: it belongs to another handle;
   * E_NOT_FOUND: to none.
   */
  async setOwnerAttributes(
    address: Ip,
    handle: string,
    change: { readonly attributes?: Attributes; readonly alternate?: Attributes },
  ): Promise<void> {
    const given = await this.ownerOf(address);
    await changeBlock(this.#store, given.block, (block) => {
      if (ownerOf(block, address)?.handle_id !== handle)
        throw new CalicoError('E_CONFLICT', address, `is not assigned to the handle ${handle}`);
      reown(block, address, change);
      return { answer: true, gains: new Map() };
    });
  }

  /** Every block of the prefix that nobody has becomes the host's. E_NOT_FOUND: in no enabled pool; E_INVALID: less than a block. */
  claimAffinity(prefix: Cidr, who: Who): Promise<{ claimed: Cidr[]; failed: Cidr[] }> {
    return claimAffinity(this.#store, prefix, claimant(who), this.#birth());
  }

  /**
   * The host's blocks in the prefix are nobody's any more; empty ones go, addresses in use stay. With `mustBeEmpty` the
   * first block in use ends it: E_CONFLICT.
   */
  releaseAffinity(prefix: Cidr, who: Who, { mustBeEmpty = false } = {}): Promise<void> {
    return releaseAffinity(this.#store, prefix, claimant(who), mustBeEmpty);
  }

  /** The same for all blocks of the host. For a host that is gone, too. */
  releaseHostAffinities(who: Who, { mustBeEmpty = false } = {}): Promise<void> {
    return releaseClaimant(this.#store, claimant(who), mustBeEmpty);
  }

  /** The same for all blocks in a pool's prefix, whoever has them: before the pool is deleted. */
  releasePoolAffinities(prefix: Cidr): Promise<void> {
    return releasePool(this.#store, prefix);
  }

  /** Gives the host a block of one of these pools (by prefix or name) unless it has one. Null where no pool is named. E_NOT_FOUND, E_EXHAUSTED. */
  ensureBlock(host: string, family: Family, pools: readonly string[]): Promise<Cidr | null> {
    return this.#assigner.ensureBlock(host, family, pools);
  }

  /** Rewrites what an older release wrote of the host: a block's bare host name, an affinity without a state. Resolves to how many were rewritten. */
  upgradeHost(host: string): Promise<number> {
    return upgradeClaimant(this.#store, claimant(host));
  }

  async config(): Promise<IpamConfig> {
    return parseConfig((await this.#store.get(CONFIG_KEY))?.value, this.#newer);
  }

  /** E_INVALID. */
  async setConfig(config: IpamConfig): Promise<void> {
    const previous = await this.#store.get(CONFIG_KEY);
    await this.#store.put(CONFIG_KEY, formatConfig(config, previous?.value));
  }

  /** By pool; last the blocks that are in none. Without those that cannot be read: see check. */
  async utilization(): Promise<PoolUsage[]> {
    const [pools = [], reservations = []] = await this.#store.read([{ prefix: POOLS }, { prefix: RESERVATIONS }]);
    const v4 = await this.#store.list(blockPrefix(4));
    const v6 = await this.#store.list(blockPrefix(6));
    const blocks = [...v4.items, ...v6.items].flatMap((item) => readableBlock(item) ?? []);
    return usage(readPools(pools), blocks, readReserved(reservations));
  }

  #birth(): Birth | null {
    return this.#newer ? BigInt(this.#now()) * 1_000_000n : null;
  }
}

function claimant(who: Who): Claimant {
  return typeof who === 'string' ? { type: 'host', name: who } : who;
}
