import { expect, it } from 'vitest';
import { parseReply } from './control.ts';

it('a reply ends with its line without a dash', () => {
  expect(parseReply('0001 BIRD 2.0.12 ready.\n')).toEqual({ code: 1, lines: ['BIRD 2.0.12 ready.'] });
  expect(parseReply('0002-Reading configuration from /run/x\n')).toBeNull();
  expect(parseReply('0002-Reading configuration from /run/x\n0003 Reconf')).toBeNull();
  expect(parseReply('0002-Reading configuration from /run/x\n0003 Reconfigured\n')).toEqual({
    code: 3,
    lines: ['Reading configuration from /run/x', 'Reconfigured'],
  });
});

it('continued lines belong to the reply, asynchronous ones do not', () => {
  expect(parseReply('1002-Name\n a\n+noise\n b\n0000 \n')?.lines).toEqual(['Name', 'a', 'b', '']);
});
