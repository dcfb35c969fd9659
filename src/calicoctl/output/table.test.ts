import { expect, test } from 'vitest';
import { CalicoError } from '../../errors/index.ts';
import { errorLines } from '../error-lines.ts';
import { table } from './table.ts';

test('nothing that a resource holds reaches the terminal as a command, or breaks a row', () => {
  const rows = [['n\u001b[2J', 'x\ny\u009b31m']];
  expect(table(['NAME', 'ASN'], rows)).toBe('NAME       ASN             \nn\\x1B[2J   x\\x0Ay\\x9B31m   \n\n');
});

test('nor does an error', () => {
  const error = new CalicoError('E_INVALID', 'Node n', "found '\u001b]0;title\u0007'");
  expect(errorLines(error)).toEqual(["E_INVALID Node n: found '\\x1B]0;title\\x07'"]);
});
