import { beforeEach, expect, test } from 'vitest';
import { Claims } from './claims.ts';

interface Entry {
  readonly key: string;
  readonly via?: string;
}

let there: Map<string, Entry>;
let claims: Claims<Entry>;
beforeEach(() => {
  there = new Map();
  const target = {
    setDesired: (entry: Entry) => void there.set(entry.key, entry),
    removeDesired: ({ key }: Entry) => void there.delete(key),
  };
  claims = new Claims(target, ({ key }) => key);
});

test('the highest rank is in force, whatever came first; when it goes, the next best takes its place', () => {
  claims.set('block', { key: 'a', via: 'tunnel' }, -1);
  claims.set('workload', { key: 'a', via: 'cali1' });
  expect(there.get('a')?.via).toBe('cali1');
  claims.set('block', { key: 'a', via: 'another tunnel' }, -1);
  expect(there.get('a')?.via).toBe('cali1');
  claims.remove('workload', { key: 'a' });
  expect(there.get('a')?.via).toBe('another tunnel');
  claims.remove('block', { key: 'a' });
  expect(there.size).toBe(0);
});

test('of equals one stays in force until it goes, and each owner has one claim', () => {
  claims.set('x', { key: 'a', via: 'x' });
  claims.set('y', { key: 'a', via: 'y' });
  const [first, other] = there.get('a')?.via === 'x' ? ['x', 'y'] : ['y', 'x'];
  claims.set(other!, { key: 'a', via: `${other} anew` });
  expect(there.get('a')?.via).toBe(first);
  claims.remove(first!, { key: 'a' });
  expect(there.get('a')?.via).toBe(`${other} anew`);
});

test('who claims nothing takes nothing away', () => {
  claims.set('x', { key: 'a' });
  claims.remove('y', { key: 'a' });
  claims.remove('x', { key: 'b' });
  expect([...there.keys()]).toEqual(['a']);
});
