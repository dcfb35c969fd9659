import { expect, it } from 'vitest';
import { LENGTH, lcg, TAP } from './random.ts';
import { WARMED } from './warmed.ts';

const STEPS = 7_800_000_000_000n;
const HEX_DIGITS = 36; // of one coefficient of a product: 607 products of 64-bit numbers

it('the constants are the generator’s state after 7.8e12 steps', () => {
  // One step is a multiplication by x modulo x^607 = x^334 + 1, so many steps are a power of x.
  const jump = powerOfX(STEPS);
  const sequence = initialSequence();
  const stored = Buffer.from(WARMED, 'base64');
  for (let j = 0; j < LENGTH; j++) {
    const value = jump.reduce((sum, coefficient, m) => sum + coefficient * (sequence[m + j] as bigint), 0n);
    const index = mod(LENGTH - TAP - 1 - Number((STEPS + BigInt(j)) % BigInt(LENGTH)));
    expect(stored.readBigUInt64BE(index * 8)).toBe(BigInt.asUintN(64, value));
  }
});

/** The first 2 × 607 values, from seed 1. */
function initialSequence(): bigint[] {
  let x = 1;
  const draw = () => {
    x = lcg(x);
    return BigInt(x);
  };
  for (let i = 0; i < 20; i++) draw();
  const state = Array.from({ length: LENGTH }, () => (draw() << 20n) ^ (draw() << 10n) ^ draw());
  const sequence = Array.from({ length: LENGTH }, (_, j) => state[mod(LENGTH - TAP - 1 - j)] as bigint);
  for (let i = LENGTH; i < 2 * LENGTH; i++) {
    sequence.push(BigInt.asUintN(64, (sequence[i - LENGTH] as bigint) + (sequence[i - TAP] as bigint)));
  }
  return sequence;
}

/** Coefficients modulo 2^64, the constant one first. */
function powerOfX(exponent: bigint): bigint[] {
  let result = [1n, ...new Array<bigint>(LENGTH - 1).fill(0n)];
  for (const bit of exponent.toString(2)) {
    const packed = pack(result);
    result = reduce(unpack(packed * packed, 2 * LENGTH - 1));
    if (bit === '1') result = reduce([0n, ...result]);
  }
  return result;
}

function reduce(coefficients: bigint[]): bigint[] {
  for (let i = coefficients.length - 1; i >= LENGTH; i--) {
    for (const lower of [i - LENGTH, i - TAP]) {
      coefficients[lower] = BigInt.asUintN(64, (coefficients[lower] as bigint) + (coefficients[i] as bigint));
    }
  }
  return coefficients.slice(0, LENGTH);
}

/** One big number whose product with another holds the product of the polynomials. */
function pack(coefficients: readonly bigint[]): bigint {
  return BigInt(
    `0x${coefficients
      .map((c) => c.toString(16).padStart(HEX_DIGITS, '0'))
      .reverse()
      .join('')}`,
  );
}

function unpack(packed: bigint, length: number): bigint[] {
  const hex = packed.toString(16).padStart(length * HEX_DIGITS, '0');
  return Array.from({ length }, (_, i) => {
    const end = hex.length - i * HEX_DIGITS;
    return BigInt.asUintN(64, BigInt(`0x${hex.slice(end - HEX_DIGITS, end)}`));
  });
}

function mod(index: number): number {
  return ((index % LENGTH) + LENGTH) % LENGTH;
}
