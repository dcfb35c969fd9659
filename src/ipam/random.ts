/**
 * The pseudo-random numbers of Go's math/rand, because upstream picks a host's first block with them: every
 * implementation must start in the same place for hosts not to race for blocks (and for the vectors to hold).
 */
import { WARMED } from './warmed.ts';

export const LENGTH = 607;
export const TAP = 273;
const LCG_MODULUS = 2147483647;
const LCG_FACTOR = 48271;
const MASK63 = (1n << 63n) - 1n;

/** The next value of the seeding sequence. */
export function lcg(x: number): number {
  return (x * LCG_FACTOR) % LCG_MODULUS;
}

/** `seed`: 0 … 2^32 - 1. Returns a source of 32-bit numbers. */
export function randomSource(seed: number): () => bigint {
  const state = seeded(seed);
  let tap = 0;
  let feed = LENGTH - TAP;
  return () => {
    tap = (tap + LENGTH - 1) % LENGTH;
    feed = (feed + LENGTH - 1) % LENGTH;
    const sum = BigInt.asUintN(64, (state[feed] as bigint) + (state[tap] as bigint));
    state[feed] = sum;
    return (sum & MASK63) >> 31n;
  };
}

/** A number below `limit` (at least 1), drawn by rejection from as many 64-bit words as the limit has. */
export function randomBelow(next32: () => bigint, limit: bigint): bigint {
  const bits = limit.toString(2).length;
  const words = Math.ceil(bits / 64);
  for (;;) {
    let value = 0n;
    for (let word = 0n; word < words; word++) value |= (next32() | (next32() << 32n)) << (64n * word);
    value = BigInt.asUintN(bits, value);
    if (value < limit) return value;
  }
}

/** 32-bit FNV-1 (not 1a) of the text's bytes. */
export function fnv32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = (Math.imul(hash, 0x01000193) ^ byte) >>> 0;
  return hash;
}

let warmed: Buffer | undefined;

function seeded(seed: number): BigUint64Array {
  warmed ??= Buffer.from(WARMED, 'base64');
  const state = new BigUint64Array(LENGTH);
  let x = seed % LCG_MODULUS || 89482311;
  const draw = () => {
    x = lcg(x);
    return BigInt(x);
  };
  for (let i = 0; i < 20; i++) draw();
  for (let i = 0; i < LENGTH; i++) {
    state[i] = (draw() << 40n) ^ (draw() << 20n) ^ draw() ^ warmed.readBigUInt64BE(i * 8);
  }
  return state;
}
