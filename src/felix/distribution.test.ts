import { expect, test } from 'vitest';
import { Distribution } from './distribution.ts';

test('counts and sums everything; quantiles are of the latest', () => {
  const distribution = new Distribution();
  expect(distribution.quantile(0.5)).toBeNaN();
  for (let i = 1; i <= 100; i++) distribution.add(i);
  expect([0, 0.5, 0.99, 1].map((share) => distribution.quantile(share))).toEqual([1, 50, 99, 100]);
  for (let i = 0; i < 512; i++) distribution.add(7);
  expect(distribution.quantile(1)).toBe(7);
  expect(distribution).toMatchObject({ count: 612, sum: 5050 + 512 * 7 });
});
