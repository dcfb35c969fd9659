import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Backoff, SetTracker, Tracker } from './index.ts';

describe('Tracker', () => {
  test('only what differs is pending', () => {
    const t = new Tracker<string, number>();
    t.replaceActual(new Map(Object.entries({ same: 1, other: 1, extra: 1 })));
    t.setDesired('same', 1);
    t.setDesired('other', 2);
    t.setDesired('new', 3);
    expect([...t.pendingWrites]).toEqual(['other', 'new']);
    expect([...t.pendingDeletes]).toEqual(['extra']);
    t.setDesired('other', 1);
    t.setDesired('extra', 1);
    expect([...t.pendingWrites]).toEqual(['new']);
    expect([...t.pendingDeletes]).toEqual([]);
  });

  test('values are compared by the given function', () => {
    const t = new Tracker<string, { n: number }>((a, b) => a.n === b.n);
    t.setActual('k', { n: 1 });
    t.setDesired('k', { n: 1 });
    expect(t.pendingWrites.size).toBe(0);
  });

  test('what failed waits, longer each time, and is released', () => {
    const t = new Tracker<string, number>();
    t.setDesired('k', 1);
    t.failed('k', 1000);
    expect(t.pendingWrites.size).toBe(0);
    expect(t.nextDue()).toBe(1100);
    t.release(1099);
    expect(t.pendingWrites.size).toBe(0);
    t.release(1100);
    expect([...t.pendingWrites]).toEqual(['k']);
    t.failed('k', 1100);
    expect(t.nextDue()).toBe(1300);
  });

  test('a new desire ends the wait, and success ends the count', () => {
    const t = new Tracker<string, number>();
    t.setDesired('k', 1);
    t.failed('k', 0);
    t.setDesired('k', 2);
    expect([...t.pendingWrites]).toEqual(['k']);
    t.failed('k', 0);
    t.setActual('k', 2);
    expect(t.nextDue()).toBeNull();
    t.removeActual('k');
    t.failed('k', 0);
    expect(t.nextDue()).toBe(100);
  });

  test('any sequence of changes leaves pending = desired − actual', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd');
    const value = fc.integer({ min: 1, max: 3 });
    const change = fc.oneof(
      fc.record({ op: fc.constantFrom('setDesired', 'setActual'), key, value }),
      fc.record({ op: fc.constantFrom('removeDesired', 'removeActual'), key }),
      fc.record({ op: fc.constant('replaceActual'), entries: fc.dictionary(key, value, { noNullPrototype: true }) }),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const t = new Tracker<string, number>();
        for (const c of changes) {
          if ('entries' in c) t.replaceActual(new Map(Object.entries(c.entries)));
          else if ('value' in c) t[c.op as 'setDesired'](c.key, c.value);
          else t[c.op as 'removeDesired'](c.key);
        }
        const writes = [...t.desired].filter(([k, v]) => t.actual.get(k) !== v).map(([k]) => k);
        const deletes = [...t.actual.keys()].filter((k) => !t.desired.has(k));
        expect([...t.pendingWrites].sort()).toEqual(writes.sort());
        expect([...t.pendingDeletes].sort()).toEqual(deletes.sort());
        for (const k of [...t.pendingWrites]) t.setActual(k, t.desired.get(k)!);
        for (const k of [...t.pendingDeletes]) t.removeActual(k);
        expect(t.actual).toEqual(t.desired);
      }),
    );
  });
});

describe('SetTracker', () => {
  test('any sequence of changes leaves pending = desired − actual', () => {
    const key = fc.integer({ min: 0, max: 6 });
    const names = ['setDesired', 'removeDesired', 'setActual', 'removeActual'] as const;
    const sets = ['replaceDesired', 'replaceActual'] as const;
    const change = fc.oneof(
      fc.record({ op: fc.constantFrom(...names), key }),
      fc.record({ op: fc.constantFrom(...sets), keys: fc.array(key) }),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const t = new SetTracker<number>();
        const desired = new Set<number>();
        const actual = new Set<number>();
        for (const c of changes) {
          const model = c.op.endsWith('Desired') ? desired : actual;
          if ('keys' in c) {
            t[c.op](new Set(c.keys));
            model.clear();
            for (const k of c.keys) model.add(k);
          } else {
            t[c.op](c.key);
            if (c.op.startsWith('set')) model.add(c.key);
            else model.delete(c.key);
          }
        }
        expect(t.size).toBe(desired.size);
        expect(new Set(t.desired())).toEqual(desired);
        expect(new Set(t.actual())).toEqual(actual);
        expect(new Set(t.pendingAdds)).toEqual(new Set([...desired].filter((k) => !actual.has(k))));
        expect(new Set(t.pendingRemoves)).toEqual(new Set([...actual].filter((k) => !desired.has(k))));
      }),
    );
  });
});

describe('Backoff', () => {
  test('waits double up to thirty seconds', () => {
    const b = new Backoff<string>();
    const waits: number[] = [];
    for (let i = 0; i < 12; i++) {
      b.failed('k', 0);
      waits.push(b.nextDue()!);
    }
    expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000]);
  });

  test('gives each key at its time', () => {
    const b = new Backoff<string>();
    b.failed('a', 0);
    b.failed('b', 50);
    b.failed('a', 0);
    expect(b.nextDue()).toBe(150);
    expect(b.takeDue(150)).toEqual(['b']);
    expect(b.waits('b')).toBe(false);
    expect(b.takeDue(1000)).toEqual(['a']);
    expect(b.nextDue()).toBeNull();
  });
});
