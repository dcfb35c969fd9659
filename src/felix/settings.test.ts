import { expect, test } from 'vitest';
import { setSize } from './settings.ts';

test('a size that no set can have is the default', () => {
  expect([-1, 0, 1, 2 ** 32 - 1, 2 ** 32, Number.NaN].map(setSize)).toEqual([
    1_048_576,
    1_048_576,
    1,
    2 ** 32 - 1,
    1_048_576,
    1_048_576,
  ]);
});
