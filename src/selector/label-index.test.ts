import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LabelIndex, parseSelector } from './index.ts';

type Labels = Record<string, string>;

/** Keeps what the callbacks say, and that they say nothing twice. */
class Matches {
  readonly pairs = new Set<string>();
  readonly index = new LabelIndex({
    onMatch: (item, selector) => {
      expect(this.pairs.has(`${item} ${selector}`)).toBe(false);
      this.pairs.add(`${item} ${selector}`);
    },
    onUnmatch: (item, selector) => expect(this.pairs.delete(`${item} ${selector}`)).toBe(true),
  });

  /** How many evaluations the action costs. */
  cost(action: (index: LabelIndex) => void): number {
    const before = this.index.evaluations;
    action(this.index);
    return this.index.evaluations - before;
  }
}

describe('inheritance', () => {
  test('an own label wins over a parent, an earlier parent over a later', () => {
    const { index } = new Matches();
    for (const v of ['own', 'first', 'second']) index.setSelector(v, parseSelector(`a == '${v}'`));
    index.setParentLabels('p1', { a: 'first' });
    index.setParentLabels('p2', { a: 'second' });
    const matching = () => [...index.selectorsOf('i')];
    index.setItem('i', { a: 'own' }, ['p1', 'p2']);
    expect(matching()).toEqual(['own']);
    index.setItem('i', {}, ['p1', 'p2']);
    expect(matching()).toEqual(['first']);
    index.setItem('i', {}, ['p2', 'p1']);
    expect(matching()).toEqual(['second']);
    index.deleteParent('p2');
    expect(matching()).toEqual(['first']);
    index.setParentLabels('p2', { a: 'second' });
    expect(matching()).toEqual(['second']);
  });
});

/** The same state, kept naively. */
class Naive {
  items = new Map<string, { labels: Labels; parents: string[] }>();
  parents = new Map<string, Labels>();
  selectors = new Map<string, string>();

  pairs(): Set<string> {
    const pairs = new Set<string>();
    for (const [item, { labels, parents }] of this.items) {
      const sources = [labels, ...parents.map((name) => this.parents.get(name) ?? {})];
      const get = (name: string) => sources.find((source) => source[name] !== undefined)?.[name];
      for (const [id, text] of this.selectors) if (parseSelector(text).evaluate(get)) pairs.add(`${item} ${id}`);
    }
    return pairs;
  }
}

const label = fc.constantFrom('a', 'b', 'c');
const value = fc.constantFrom('x', 'y', 'z');
const labels = fc.dictionary(label, value, { maxKeys: 3 });
const name = (prefix: string, max: number) => fc.integer({ min: 1, max }).map((n) => `${prefix}${n}`);
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.tuple(label, fc.constantFrom('==', '!=', 'contains'), value).map(([l, op, v]) => `${l} ${op} '${v}'`),
    fc.tuple(label, fc.constantFrom('in', 'not in'), fc.array(value, { maxLength: 2 })).map(([l, op, vs]) => {
      return `${l} ${op} {${vs.map((v) => `'${v}'`).join(', ')}}`;
    }),
    label.map((l) => `has(${l})`),
    fc.constant('all()'),
    tie('expression').map((e) => `!(${e})`),
    fc
      .tuple(tie('expression'), fc.constantFrom('&&', '||'), tie('expression'))
      .map(([l, op, r]) => `(${l} ${op} ${r})`),
  ),
}));

type Step = (naive: Naive, index: LabelIndex) => void;
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(name('i', 6), labels, fc.array(name('p', 3), { maxLength: 3 })).map(
    ([id, own, parents]): Step =>
      (naive, index) => {
        naive.items.set(id, { labels: own, parents });
        index.setItem(id, own, parents);
      },
  ),
  name('i', 6).map(
    (id): Step =>
      (naive, index) => {
        naive.items.delete(id);
        index.deleteItem(id);
      },
  ),
  fc.tuple(name('p', 3), labels).map(
    ([id, own]): Step =>
      (naive, index) => {
        naive.parents.set(id, own);
        index.setParentLabels(id, own);
      },
  ),
  name('p', 3).map(
    (id): Step =>
      (naive, index) => {
        naive.parents.delete(id);
        index.deleteParent(id);
      },
  ),
  fc.tuple(name('s', 6), expression).map(
    ([id, text]): Step =>
      (naive, index) => {
        naive.selectors.set(id, text);
        index.setSelector(id, parseSelector(text));
      },
  ),
  name('s', 6).map(
    (id): Step =>
      (naive, index) => {
        naive.selectors.delete(id);
        index.deleteSelector(id);
      },
  ),
);

test('equals brute force after every step of random sequences', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
      const naive = new Naive();
      const matches = new Matches();
      for (const run of steps) {
        run(naive, matches.index);
        expect(matches.pairs).toEqual(naive.pairs());
      }
      const { index } = matches;
      const byItem = [...naive.items.keys()].flatMap((item) => [...index.selectorsOf(item)].map((s) => `${item} ${s}`));
      const bySelector = [...naive.selectors.keys()].flatMap((s) =>
        [...index.itemsOf(s)].map((item) => `${item} ${s}`),
      );
      expect(new Set(byItem)).toEqual(matches.pairs);
      expect(new Set(bySelector)).toEqual(matches.pairs);
    }),
    { numRuns: 500 },
  );
});

describe('work is what the change touches', () => {
  /** The costs of the same changes with few and with many bystanders. */
  function costs(n: number): Record<string, number> {
    const m = new Matches();
    for (let i = 0; i < n; i++) m.index.setSelector(`s${i}`, parseSelector(`app == 'a${i}'`));
    for (let i = 0; i < n; i++) m.index.setSelector(`t${i}`, parseSelector(`env == 'prod' && app == 'a${i}'`));
    for (let i = 0; i < n; i++) m.index.setSelector(`u${i}`, parseSelector(`app == 'a${i}' || role == 'r${i}'`));
    for (let i = 0; i < n; i++) m.index.setItem(`w${i}`, { app: `a${i}`, env: 'prod', name: `w${i}` }, [`p${i % 10}`]);
    return {
      'new item': m.cost((index) => index.setItem('w', { app: 'a1', env: 'prod' }, ['p1'])),
      'same again': m.cost((index) => index.setItem('w', { app: 'a1', env: 'prod' }, ['p1'])),
      'unrelated label': m.cost((index) => index.setItem('w', { app: 'a1', env: 'prod', color: 'red' }, ['p1'])),
      'related label': m.cost((index) => index.setItem('w', { app: 'a2', env: 'prod', color: 'red' }, ['p1'])),
      'shared label': m.cost((index) => index.setItem('w', { app: 'a2', env: 'test', color: 'red' }, ['p1'])),
      'new selector': m.cost((index) =>
        index.setSelector('new', parseSelector("env == 'prod' && app in {'a7', 'a8'}")),
      ),
      'changed selector': m.cost((index) => index.setSelector('new', parseSelector("app == 'a9'"))),
      'selector gone': m.cost((index) => index.deleteSelector('new')),
      'item gone': m.cost((index) => index.deleteItem('w')),
    };
  }

  test('a change costs the same with 100 and with 10,000 selectors and items', () => {
    const few = costs(100);
    expect(few).toEqual({
      'new item': 4,
      'same again': 0,
      'unrelated label': 0,
      'related label': 7,
      'shared label': 3,
      'new selector': 2,
      'changed selector': 3,
      'selector gone': 0,
      'item gone': 0,
    });
    expect(costs(10_000)).toEqual(few);
  });

  test("a parent's label costs that parent's items", () => {
    const m = new Matches();
    m.index.setSelector('s', parseSelector("team == 'x'"));
    for (let i = 0; i < 1000; i++) m.index.setItem(`w${i}`, {}, [i < 3 ? 'small' : 'large']);
    expect(m.cost((index) => index.setParentLabels('small', { team: 'x' }))).toBe(3);
    expect(m.index.itemsOf('s')).toEqual(new Set(['w0', 'w1', 'w2']));
    expect(m.cost((index) => index.setParentLabels('large', { other: 'x' }))).toBe(0);
    expect(m.cost((index) => index.setSelector('t', parseSelector("team == 'x' && !has(z)")))).toBe(3);
  });

  test('a parent that is shadowed costs nothing', () => {
    const m = new Matches();
    m.index.setSelector('s', parseSelector("team == 'x'"));
    m.index.setParentLabels('first', { team: 'y' });
    m.index.setItem('own', { team: 'z' }, ['p']);
    m.index.setItem('earlier', {}, ['first', 'p']);
    expect(m.cost((index) => index.setParentLabels('p', { team: 'x' }))).toBe(0);
  });
});
