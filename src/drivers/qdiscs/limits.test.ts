import { expect, test } from 'vitest';
import { ifbName, tokenBucket } from './limits.ts';

const MTU = 1500;
const MBIT = 1_000_000;

test('bits become bytes; the queue holds 25 ms and a burst', () => {
  expect(tokenBucket({ rate: 8 * MBIT, burst: 80_000 }, MTU)).toEqual({
    rate: MBIT,
    burst: 10_000,
    limit: 25_000 + 10_000,
    peakRate: 0,
    peakBurst: 0,
  });
});

test('a burst is at least one packet', () => {
  expect(tokenBucket({ rate: MBIT, burst: 1000 }, MTU).burst).toBe(1514);
  expect(tokenBucket({ rate: MBIT, burst: 1000, peakRate: 2 * MBIT, minBurst: 1000 }, 9000)).toMatchObject({
    burst: 9014,
    peakRate: MBIT / 4,
    peakBurst: 9014,
  });
  expect(tokenBucket({ rate: MBIT, burst: 80_000, peakRate: 2 * MBIT }, MTU).peakBurst).toBe(1514);
  expect(tokenBucket({ rate: MBIT, burst: 80_000, peakRate: 2 * MBIT, minBurst: 3000 }, MTU).peakBurst).toBe(3000);
});

test('a large burst does not make a large queue', () => {
  expect(tokenBucket({ rate: MBIT, burst: 2 ** 32 }, MTU)).toMatchObject({ burst: 2 ** 29, limit: 3125 + 131_072 });
});

test('every number fits where the kernel has room for it', () => {
  const { burst, limit } = tokenBucket({ rate: 1e15, burst: 34_359_738_360 }, MTU);
  expect([burst, limit]).toEqual([0xffffffff, 0xffffffff]);
});

test('an IFB is called as upstream’s, whatever the length of the interface’s name', () => {
  expect(ifbName('cali65425d8647c')).toBe('bwcali8b3c5d144');
  expect(ifbName('tap1')).toMatch(/^bwcali[0-9a-f]{9}$/);
});
