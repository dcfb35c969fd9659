import { describe, expect, test } from 'vitest';
import { cidr, TCP } from '../net/index.ts';
import { rule } from './build.ts';
import type { Action, Chain, Rule, SideMatch } from './chain.ts';
import { lower } from './lower.ts';
import { portChunks } from './lower-match.ts';
import { markBits } from './marks.ts';
import type { Origin } from './origin.ts';
import { renderRule } from './render.ts';

const OPTIONS = { family: 4, marks: markBits(0xf0000), randomFully: true } as const;
const ORIGIN: Origin = {
  type: 'policy',
  id: { kind: 'GlobalNetworkPolicy', name: 'p' },
  direction: 'ingress',
  rule: 3,
};

function lowered(...rules: Rule[]): Chain {
  return lower({ name: 'c', rules })[0] as Chain;
}

function texts(...rules: Rule[]): string[] {
  return lowered(...rules).rules.map((r) => renderRule(r, OPTIONS));
}

const port = (number: number) => ({ min: number, max: number });
const nets = (...list: string[]) => list.map(cidr);
const from = (source: SideMatch, action: Action = { type: 'drop' }) => rule({ source }, action, ORIGIN);

describe('verdicts of policy', () => {
  test('become a mark and a return, and the mark is what the policy said', () => {
    const chain = lowered(rule({}, { type: 'policy', verdict: 'pass' }, ORIGIN));
    expect(chain.rules).toEqual([
      { match: {}, action: { type: 'mark', set: ['pass'] }, origin: ORIGIN },
      { match: { marked: ['pass'] }, action: { type: 'return' }, origin: { type: 'plumbing' } },
    ]);
  });
});

describe('lists', () => {
  test('of one are left alone', () => {
    const original = from({ nets: nets('10.0.0.0/8'), ports: [port(80)], sets: ['a', 'b'] });
    expect(lowered(original).rules).toEqual([original]);
  });

  test('of prefixes and of ports are two blocks: one of each', () => {
    const original = rule(
      { protocol: TCP, source: { nets: nets('10.0.0.0/8', '11.0.0.0/8'), ports: [port(80)], portSets: ['n:web'] } },
      { type: 'drop' },
      ORIGIN,
    );
    expect(texts(original)).toEqual([
      '--jump MARK --set-mark 0x0/0xc0000',
      '-p tcp -m multiport --source-ports 80 --jump MARK --set-mark 0x40000/0x40000',
      '-m set --match-set cali40n:web src,src --jump MARK --set-mark 0x40000/0x40000',
      '--jump MARK --set-mark 0/0x80000',
      '--source 10.0.0.0/8 --jump MARK --set-mark 0x80000/0x80000',
      '--source 11.0.0.0/8 --jump MARK --set-mark 0x80000/0x80000',
      '-m mark --mark 0/0x80000 --jump MARK --set-mark 0/0x40000',
      '-p tcp -m mark --mark 0x40000/0x40000 --jump DROP',
    ]);
  });

  test('of negated prefixes: none of them', () => {
    expect(texts(from({ notNets: nets('10.0.0.0/8', '11.0.0.0/8') }))).toEqual([
      '--jump MARK --set-mark 0x40000/0xc0000',
      '--source 10.0.0.0/8 --jump MARK --set-mark 0/0x40000',
      '--source 11.0.0.0/8 --jump MARK --set-mark 0/0x40000',
      '-m mark --mark 0x40000/0x40000 --jump DROP',
    ]);
  });

  test('a prefix and a negated one do not fit one rule either', () => {
    expect(texts(from({ nets: nets('10.0.0.0/8'), notNets: nets('10.1.0.0/16') }))).toEqual([
      '--jump MARK --set-mark 0x40000/0xc0000',
      '--source 10.1.0.0/16 --jump MARK --set-mark 0/0x40000',
      '--source 10.0.0.0/8 -m mark --mark 0x40000/0x40000 --jump DROP',
    ]);
  });

  test('only the rule that decides is the policy’s', () => {
    const { rules } = lowered(from({ notNets: nets('10.0.0.0/8', '11.0.0.0/8') }));
    expect(rules.map(({ origin }) => origin.type)).toEqual(['plumbing', 'plumbing', 'plumbing', 'policy']);
  });

  test('lowering twice is lowering once', () => {
    const once = lowered(from({ nets: nets('10.0.0.0/8', '11.0.0.0/8'), notNets: nets('10.1.0.0/16') }));
    expect(lower(once)).toEqual([once]);
  });
});

describe('ports', () => {
  const count = (chunks: readonly (readonly unknown[])[]) => chunks.map((chunk) => chunk.length);

  test('15 fit', () => expect(count(portChunks(many(15, 1), 15))).toEqual([15]));
  test('16 are two', () => expect(count(portChunks(many(16, 1), 15))).toEqual([15, 1]));
  test('a range takes two places', () => expect(count(portChunks(many(8, 2), 15))).toEqual([7, 1]));
  test('a range does not take the last single place', () => {
    expect(count(portChunks([...many(14, 1), { min: 1, max: 2 }], 15))).toEqual([14, 1]);
  });

  function many(length: number, width: number) {
    return Array.from({ length }, (_, i) => ({ min: 10 * i, max: 10 * i + width - 1 }));
  }
});

describe('dispatch', () => {
  const dispatch = (names: readonly string[]): Rule =>
    rule(
      {},
      { type: 'dispatch', by: 'inInterface', via: 'goto', table: new Map(names.map((name) => [name, `to-${name}`])) },
    );
  const tree = (...names: string[]) =>
    lower({ name: 'cali-d', rules: [dispatch(names), rule({}, { type: 'drop' })] }).map(({ name, rules }) => [
      name,
      ...rules.map(
        ({ match, action }) => `${match.inInterface ?? '*'} ${'chain' in action ? action.chain : action.type}`,
      ),
    ]);

  test('interfaces that differ in the next character are in one chain', () => {
    expect(tree('cali2', 'cali1')).toEqual([['cali-d', 'cali1 to-cali1', 'cali2 to-cali2', '* drop']]);
  });

  test('those that share it are in a chain of their own, which ends as the first does', () => {
    expect(tree('cali9', 'tapa1', 'tapa2')).toEqual([
      ['cali-d', 'cali9 to-cali9', 't+ cali-d-t', '* drop'],
      ['cali-d-t', 'tapa1 to-tapa1', 'tapa2 to-tapa2', '* drop'],
    ]);
  });

  test('one name is the beginning of the others', () => {
    expect(tree('cali1', 'cali12', 'cali13')).toEqual([
      ['cali-d', 'cali1 to-cali1', 'cali12 to-cali12', 'cali13 to-cali13', '* drop'],
    ]);
  });

  test('a name that ends where the others go on is a bucket of one', () => {
    expect(tree('cali1', 'cali1a', 'cali1ab')).toEqual([
      ['cali-d', 'cali1 to-cali1', 'cali1a+ cali-d-a', '* drop'],
      ['cali-d-a', 'cali1a to-cali1a', 'cali1ab to-cali1ab', '* drop'],
    ]);
  });

  test('a chain that would be long is split again: no packet passes many rules', () => {
    const names = Array.from({ length: 4096 }, (_, i) => `cali${i.toString(16).padStart(11, '0')}`);
    const chains = lower({ name: 'cali-d', rules: [dispatch(names)] });
    expect(Math.max(...chains.map(({ rules }) => rules.length))).toBeLessThanOrEqual(16);
    expect(new Set(chains.map(({ name }) => name)).size).toBe(chains.length);
    expect(chains.every(({ name }) => name.length <= 28)).toBe(true);
  });
});
