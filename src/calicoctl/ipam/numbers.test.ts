import { expect, test } from 'vitest';
import { count, share } from './numbers.ts';

test.each([
  [0, '0'],
  [7, '7'],
  [256, '256'],
  [65536, '65536'],
  [99999, '99999'],
  [100000, '1e+05'],
  [131072, '1.3107e+05'],
  [1048576, '1.0486e+06'],
  [2 ** 64, '1.8447e+19'],
  [2 ** 112, '5.1923e+33'],
])('%d is shown as %s', (value, text) => {
  expect(count(value)).toBe(text);
});

test.each([
  [5, 256, '5 (2%)'],
  [251, 256, '251 (98%)'],
  [3, 8, '3 (38%)'],
  [5, 8, '5 (62%)'],
  [1, 8, '1 (12%)'],
  [7, 8, '7 (88%)'],
  [1, 200, '1 (0%)'],
  [3, 200, '3 (2%)'],
  [8, 8, '8 (100%)'],
  [0, 8, '0 (0%)'],
])('%d of %d is shown as %s', (part, whole, text) => {
  expect(share(part, whole)).toBe(text);
});
