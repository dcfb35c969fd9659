import { expect, test } from 'vitest';
import { Complaints } from './complaints.ts';

test('a reason is told once, another one again, and that it is gone once: not while it only waits', () => {
  const said: string[] = [];
  const say = (kind: string) => (fields: object) => void said.push([kind, ...Object.values(fields)].join(' '));
  const complaints = new Complaints({ info: say('info'), warn: say('warn') });
  const after = (errors: Record<string, string>, waiting: string[] = []): string[] => {
    complaints.settle(new Map(Object.entries(errors)), (subject) => waiting.includes(subject));
    return said.splice(0);
  };
  expect(after({ a: 'x', b: 'x' })).toEqual(['warn a x', 'warn b x']);
  expect(after({ a: 'x', b: 'y' })).toEqual(['warn b y']);
  expect(after({ b: 'y' }, ['a'])).toEqual([]);
  expect(after({ a: 'x' }, ['b'])).toEqual([]);
  expect(after({ a: 'x' })).toEqual(['info b']);
  expect(after({})).toEqual(['info a']);
  expect(after({})).toEqual([]);
  expect(after({ a: 'x' })).toEqual(['warn a x']);
});
