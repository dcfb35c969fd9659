import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SetGap } from '../drivers/ipset/index.ts';
import { Table } from '../drivers/iptables/index.ts';
import { type Chain, DEFAULT_RULES_CONFIG, type Rule, referenced } from '../rules/index.ts';
import { ChainStore, type FindChain } from './chain-store.ts';

const rule = (action: Rule['action']): Rule => ({ match: {}, action, origin: { type: 'plumbing' } });
const jumps = (name: string, ...targets: string[]): Chain => ({
  name,
  rules: [...targets.map((chain) => rule({ type: 'jump', chain })), rule({ type: 'drop' })],
});
const root = (...targets: string[]) => ({
  chains: new Map([['cali-FORWARD', jumps('cali-FORWARD', ...targets)]]),
  hooks: { FORWARD: { entry: [rule({ type: 'jump', chain: 'cali-FORWARD' })] } },
});

function store(gaps: ReadonlyMap<string, SetGap> = new Map(), find: FindChain = () => undefined) {
  const table = new Table('filter', 'insert');
  const options = { family: 4, marks: DEFAULT_RULES_CONFIG.marks, randomFully: true } as const;
  const chains = new ChainStore(table, options, { gaps, find });
  const write = () => {
    const plan = table.plan({ removals: true });
    if (plan) table.reached(plan);
    return [...(plan?.written ?? []), ...(plan?.removed ?? []).map((name) => `-${name}`)].sort();
  };
  return { table, chains, write };
}

describe('ChainStore', () => {
  it('writes a chain when the first rule names it, and removes it when the last one goes', () => {
    const { chains, write } = store();
    chains.offerTable(root('cali-a', 'cali-b'));
    chains.offer(jumps('cali-policy'));
    chains.offer(jumps('cali-a', 'cali-policy'));
    chains.offer(jumps('cali-b', 'cali-policy'));
    chains.offer(jumps('cali-unused', 'cali-policy'));
    expect(write()).toEqual(['cali-FORWARD', 'cali-a', 'cali-b', 'cali-policy']);
    chains.offer(jumps('cali-a'));
    expect(write()).toEqual(['cali-a']);
    chains.offer(jumps('cali-b'));
    expect(write()).toEqual(['-cali-policy', 'cali-b']);
    chains.offer(jumps('cali-b', 'cali-policy'));
    expect(write()).toEqual(['cali-b', 'cali-policy']);
  });

  it('replaces the tree of a dispatch as a whole', () => {
    const { chains, write } = store();
    chains.offerTable(root('cali-dispatch'));
    const dispatch = (...names: string[]): Chain => {
      const table = new Map(names.map((name) => [name, `cali-tw-${name}`]));
      return {
        name: 'cali-dispatch',
        rules: [rule({ type: 'dispatch', by: 'outInterface', via: 'goto', table }), rule({ type: 'drop' })],
      };
    };
    for (const name of ['ca1', 'ca2', 'cb1']) chains.offer(jumps(`cali-tw-${name}`));
    chains.offer(dispatch('ca1', 'ca2', 'cb1'));
    expect(write()).toEqual([
      'cali-FORWARD',
      'cali-dispatch',
      'cali-dispatch-a',
      'cali-tw-ca1',
      'cali-tw-ca2',
      'cali-tw-cb1',
    ]);
    chains.offer(dispatch('ca1', 'cb1'));
    expect(write()).toEqual(['-cali-dispatch-a', '-cali-tw-ca2', 'cali-dispatch']);
  });

  it('an endpoint more asks for the rules of the chains that lead to it, and of no others', () => {
    const { table, chains } = store();
    chains.offerTable(root('cali-dispatch'));
    const dispatch = (count: number): Chain => {
      const names = Array.from({ length: count }, (_, i) => `c${i % 10}x${i}`).toSorted();
      const targets = new Map(names.map((name) => [name, `cali-tw-${name}`]));
      const action: Rule['action'] = { type: 'dispatch', by: 'outInterface', via: 'goto', table: targets };
      return { name: 'cali-dispatch', rules: [rule(action), rule({ type: 'drop' })] };
    };
    const asked: string[] = [];
    const rules = chains.rules.bind(chains);
    chains.rules = (name) => {
      asked.push(name);
      return rules(name);
    };
    const write = () => table.reached(table.plan({ removals: true })!);
    chains.offer(dispatch(100));
    write();
    asked.length = 0;
    chains.offer(dispatch(101));
    write();
    expect([...new Set(asked)]).toEqual(['cali-dispatch-0']);
  });

  it('after any offers and withdrawals has exactly the chains that the hooks lead to', () => {
    const name = fc.integer({ min: 0, max: 6 });
    // A chain names later ones only: chains of rules have no cycles.
    const step = fc.record({ name, targets: fc.array(name, { maxLength: 3 }), offered: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { table, chains, write } = store();
        const offered = new Map<string, Chain>(root('cali-0').chains);
        chains.offerTable(root('cali-0'));
        for (const { name: number, targets, offered: there } of steps) {
          const later = targets.filter((target) => target > number).map((target) => `cali-${target}`);
          const chain = jumps(`cali-${number}`, ...later);
          if (there) {
            chains.offer(chain);
            offered.set(chain.name, chain);
          } else {
            chains.withdraw(chain.name);
            offered.delete(chain.name);
          }
          write();
        }
        write();
        const { hooks } = root('cali-0');
        const expected = new Set(referenced({ chains: offered, hooks }).chains.keys());
        const names = ['cali-FORWARD', ...[0, 1, 2, 3, 4, 5, 6].map((i) => `cali-${i}`)];
        expect(names.filter((one) => table.has(one))).toEqual(names.filter((one) => expected.has(one)));
      }),
    );
  });

  it('after any mistakes in making chains has, when they are mended, exactly those that the hooks lead to', () => {
    const name = fc.integer({ min: 0, max: 5 });
    const step = fc.record({ name, targets: fc.array(name, { maxLength: 3 }), fails: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const found = new Map<string, Chain>();
        const failing = new Set<string>();
        const { table, chains, write } = store(new Map(), (chain) => {
          if (failing.has(chain)) throw new Error('a mistake');
          return found.get(chain);
        });
        chains.offerTable(root('cali-0'));
        for (const { name: number, targets, fails } of steps) {
          const chain = `cali-${number}`;
          const later = targets.filter((target) => target > number).map((target) => `cali-${target}`);
          found.set(chain, jumps(chain, ...later));
          if (fails) failing.add(chain);
          else failing.delete(chain);
          chains.changed(chain);
          write();
          for (const broken of chains.broken.keys()) expect(table.lengthOf(broken)).toBe(1);
        }
        failing.clear();
        chains.mend();
        write();
        expect(chains.broken.size).toBe(0);
        const { hooks, chains: entry } = root('cali-0');
        const expected = new Set(referenced({ chains: new Map([...entry, ...found]), hooks }).chains.keys());
        const names = ['cali-FORWARD', ...[0, 1, 2, 3, 4, 5].map((i) => `cali-${i}`)];
        expect(names.filter((one) => table.has(one))).toEqual(names.filter((one) => expected.has(one)));
      }),
    );
  });

  it('closes a chain while its rules cannot be trusted with a set, and only then', () => {
    const gaps = new Map<string, SetGap>();
    const { table, chains, write } = store(gaps);
    const id = { kind: 'GlobalNetworkPolicy', name: 'p' } as const;
    const origin = { type: 'policy', id, direction: 'ingress', rule: 0 } as const;
    const denies: Rule = { match: { source: { sets: ['s:x'] } }, action: { type: 'drop' }, origin };
    const policy: Chain = { name: 'cali-pi-p', rules: [denies, rule({ type: 'return' })] };
    chains.offerTable(root('cali-pi-p', 'cali-other'));
    chains.offer(policy);
    chains.offer(jumps('cali-other'));
    write();
    expect(table.lengthOf('cali-pi-p')).toBe(2);

    gaps.set('cali40s:x', { absent: false, missing: true, extra: false, reason: 'full' });
    chains.recheck(new Set(['cali40s:x']));
    expect(write()).toEqual(['cali-pi-p']);
    expect(table.lengthOf('cali-pi-p')).toBe(1);
    expect([...chains.doubtful]).toMatchObject([['cali-pi-p', [{ set: 's:x', unsafe: true }]]]);
    chains.offer(policy);
    expect(write()).toEqual([]);

    gaps.clear();
    chains.recheck(new Set(['cali40s:x']));
    expect(write()).toEqual(['cali-pi-p']);
    expect(table.lengthOf('cali-pi-p')).toBe(2);
    expect(chains.doubtful.size).toBe(0);
  });

  it('has a stand-in that keeps failsafe ports, and the answers of those connections', () => {
    const { table, chains } = store();
    const answers: Rule = {
      match: { conntrack: ['ESTABLISHED'] },
      action: { type: 'accept' },
      origin: { type: 'plumbing' },
    };
    const host: Chain = {
      name: 'cali-fh-eth0',
      rules: [answers, rule({ type: 'jump', chain: 'cali-failsafe-in' }), ...jumps('', 'cali-pi-p').rules],
    };
    chains.offerTable(root('cali-fh-eth0'));
    chains.offer(host);
    table.refuse('cali-fh-eth0', { reason: 'no', rule: null }, 0);
    table.refuse('cali-failsafe-in', { reason: 'no', rule: null }, 0);
    const parts = table.plan({ removals: true })?.parts() ?? [];
    const text = [...parts].map(([, part]) => part).join('\n');
    const targets = [...text.matchAll(/^-A cali-fh-eth0 .*--jump (\S+)$/gm)].map(([, target]) => target);
    expect(targets).toEqual(['ACCEPT', 'cali-failsafe-in', 'DROP']);
  });
});
