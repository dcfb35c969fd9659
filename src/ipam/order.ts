/** In which order a host tries the blocks of a pool: from a start fixed by its name, then upwards, then around. */
import {
  addressOf,
  type Cidr,
  cidrOf,
  contains,
  familyOf,
  fromBigInt,
  lengthOf,
  maxLength,
  toBigInt,
} from '../net/index.ts';
import { fnv32, randomBelow, randomSource } from './random.ts';

/**
 * Every block of the pool once. `blockSize`: the blocks' prefix length, not shorter than the pool's. `skipped`: a prefix
 * around the block of which there is to be none; it costs no more than one block.
 */
export function* blocksInOrder(
  pool: Cidr,
  blockSize: number,
  host: string,
  skipped: (block: Cidr) => Cidr | undefined = () => undefined,
): Generator<Cidr> {
  const count = 1n << BigInt(blockSize - lengthOf(pool));
  const start = randomBelow(randomSource(fnv32(host)), count);
  for (let i = 0n; i < count; i++) {
    const index = (start + i) % count;
    const block = blockAt(pool, blockSize, index);
    const prefix = skipped(block);
    if (!prefix) yield block;
    else if (lengthOf(prefix) <= lengthOf(pool)) return;
    else {
      const size = 1n << BigInt(blockSize - lengthOf(prefix));
      i += size - 1n - (index % size);
    }
  }
}

/** The order of these blocks (all of the pool), without walking over the ones that are not there. */
export function sortInOrder(blocks: readonly Cidr[], pool: Cidr, blockSize: number, host: string): Cidr[] {
  const [start] = blocksInOrder(pool, blockSize, host);
  const first = start && toBigInt(addressOf(start));
  const rank = (block: Cidr) => {
    const value = toBigInt(addressOf(block));
    return first === undefined || value >= first ? value : value + (1n << 128n);
  };
  return blocks.filter((block) => contains(pool, block)).sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

/** Every block of the prefix once, upwards. */
export function* blocksOfPool(prefix: Cidr, blockSize: number): Generator<Cidr> {
  const count = 1n << BigInt(blockSize - lengthOf(prefix));
  for (let i = 0n; i < count; i++) yield blockAt(prefix, blockSize, i);
}

function blockAt(pool: Cidr, blockSize: number, index: bigint): Cidr {
  const family = familyOf(pool);
  const shift = BigInt(maxLength(family) - blockSize);
  return cidrOf(fromBigInt(toBigInt(addressOf(pool)) + (index << shift), family), blockSize);
}
