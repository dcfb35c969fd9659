import { describe, expect, it } from 'vitest';
import type { RenderedRule } from '../../rules/index.ts';
import type { TablePlan } from './plan.ts';
import { parseSave, SaveReader } from './saved.ts';
import { type ChainSource, type InsertMode, Table } from './table.ts';

const hash = (text: string): string => text.replace(/\W/g, '').padEnd(16, '-').slice(-16);
const rule = (text: string): RenderedRule => ({
  text: `-m comment --comment "cali:${hash(text)}" ${text}`,
  hash: hash(text),
});
const chain = (name: string, ...rules: string[]): [string, ChainSource] => [
  name,
  { rules: () => rules.map(rule), standIn: () => undefined },
];

const textOf = ({ parts }: TablePlan): string[] => [...parts()].flatMap(([, text]) => text.split('\n'));

/** A kernel of one table that understands what Table writes. */
class Kernel {
  chains = new Map<string, string[]>([['FORWARD', []]]);

  load(lines: readonly string[]): void {
    for (const line of lines) {
      const [verb, name, ...rest] = line.split(' ') as [string, string, ...string[]];
      if (line.startsWith(':')) this.chains.set(verb.slice(1), []);
      else if (verb === '-A') this.chains.get(name)!.push(rest.join(' '));
      else if (verb === '-I') this.chains.get(name)!.unshift(rest.slice(1).join(' '));
      else if (verb === '-D') {
        const at = this.chains.get(name)!.indexOf(rest.join(' '));
        if (at < 0) throw new Error(`no such rule: ${line}`);
        this.chains.get(name)!.splice(at, 1);
      } else if (verb === '-X') this.chains.delete(name);
    }
  }

  save(): string {
    const names = [...this.chains.keys()];
    const rules = names.flatMap((name) => this.chains.get(name)!.map((text) => `-A ${name} ${text}`));
    return [
      '*filter',
      ...names.map((n) => `:${n} ${n === 'FORWARD' ? 'ACCEPT' : '-'} [0:0]`),
      ...rules,
      'COMMIT',
      '',
    ].join('\n');
  }
}

function synced(kernel: Kernel, mode: InsertMode = 'insert'): { table: Table; sync: () => readonly string[] } {
  const table = new Table('filter', mode);
  table.learn(parseSave(kernel.save()).get('filter'));
  const sync = (): readonly string[] => {
    const plan = table.plan({ removals: true });
    if (!plan) return [];
    kernel.load(textOf(plan));
    table.reached(plan);
    return [...plan.written, ...plan.removed, ...plan.hooks].sort();
  };
  return { table, sync };
}

describe('Table', () => {
  it('writes only what differs, and nothing twice', () => {
    const { table, sync } = synced(new Kernel());
    table.setChain(...chain('cali-a', '-j DROP'));
    table.setChain(...chain('cali-b', '-j cali-a'));
    expect(sync()).toEqual(['cali-a', 'cali-b']);
    table.setChain(...chain('cali-a', '-j DROP'));
    expect(sync()).toEqual([]);
    table.setChain(...chain('cali-a', '-j ACCEPT'));
    expect(sync()).toEqual(['cali-a']);
  });

  it('takes over chains with equal hashes, and mends the others', () => {
    const kernel = new Kernel();
    const first = synced(kernel);
    first.table.setChain(...chain('cali-a', '-j DROP'));
    first.table.setChain(...chain('cali-b', '-j ACCEPT', '-j DROP'));
    first.table.setHook('FORWARD', { entry: [rule('-j cali-a')], end: [] });
    first.sync();
    kernel.chains.get('cali-b')!.unshift('-j ACCEPT');
    const { table, sync } = synced(kernel);
    table.setChain(...chain('cali-a', '-j DROP'));
    table.setChain(...chain('cali-b', '-j ACCEPT', '-j DROP'));
    table.setHook('FORWARD', { entry: [rule('-j cali-a')], end: [] });
    expect(sync()).toEqual(['cali-b']);
    expect(sync()).toEqual([]);
  });

  it('removes stale chains and rules of ours, and nothing of others', () => {
    const kernel = new Kernel();
    kernel.chains.set('mine', ['-j DROP']);
    kernel.chains.set('cali-stale', [rule('-j DROP').text]);
    kernel.chains.set('cali-pinned', [rule('-j DROP').text]);
    kernel.chains.get('FORWARD')!.push('-j mine', rule('-j cali-stale').text, '-j cali-pinned');
    const { sync } = synced(kernel);
    expect(sync()).toEqual(['FORWARD', 'cali-pinned', 'cali-stale']);
    expect([...kernel.chains]).toEqual([
      ['FORWARD', ['-j mine', '-j cali-pinned']],
      ['mine', ['-j DROP']],
      ['cali-pinned', []],
    ]);
    expect(sync()).toEqual([]);
  });

  it.each(['insert', 'append'] as const)('keeps the order of others’ rules and its own place (%s)', (mode) => {
    const kernel = new Kernel();
    kernel.chains.get('FORWARD')!.push('-j a', '-j b');
    const { table, sync } = synced(kernel, mode);
    table.setHook('FORWARD', { entry: [rule('-j x'), rule('-j y')], end: [rule('-j z')] });
    expect(sync()).toEqual(['FORWARD']);
    const placed = kernel.chains
      .get('FORWARD')!
      .map((text) => text.slice(-1))
      .join('');
    expect(placed).toBe(mode === 'insert' ? 'xyabz' : 'abxyz');
    expect(sync()).toEqual([]);
    kernel.chains.get('FORWARD')!.unshift('-j c');
    kernel.chains.get('FORWARD')!.push('-j d');
    table.learn(parseSave(kernel.save()).get('filter'));
    sync();
    const mended = kernel.chains
      .get('FORWARD')!
      .map((text) => text.slice(-1))
      .join('');
    expect(mended).toBe(mode === 'insert' ? 'xycabdz' : 'cabdxyz');
    expect(sync()).toEqual([]);
  });

  it('closes what the kernel refused until it changes', () => {
    const kernel = new Kernel();
    const { table, sync } = synced(kernel);
    table.setChain(...chain('cali-bad', '-j ACCEPT'));
    table.refuse('cali-bad', { reason: 'no', rule: null }, 0);
    sync();
    expect(kernel.chains.get('cali-bad')).toEqual(['-m comment --comment "cali:closed----------" -j DROP']);
    table.learn(parseSave(kernel.save()).get('filter'));
    expect(sync()).toEqual([]);
    table.setChain(...chain('cali-bad', '-j RETURN'));
    sync();
    expect(kernel.chains.get('cali-bad')).toEqual([rule('-j RETURN').text]);
  });

  it('limited to some chains, leaves existing ones as they are and creates missing ones closed', () => {
    const kernel = new Kernel();
    const { table, sync } = synced(kernel);
    table.setChain(...chain('cali-old', '-j DROP'));
    sync();
    table.setChain(...chain('cali-old', '-j ACCEPT'));
    table.setChain(...chain('cali-new', '-j cali-other'));
    table.setChain(...chain('cali-other', '-j ACCEPT'));
    const plan = table.plan({ removals: false, only: new Set(['cali-new']) })!;
    kernel.load(textOf(plan));
    table.reached(plan);
    expect(kernel.chains.get('cali-old')![0]).toContain('DROP');
    expect(kernel.chains.get('cali-other')![0]).toContain('DROP');
    expect(kernel.chains.get('cali-new')![0]).toContain('cali-other');
    expect(sync()).toEqual(['cali-old', 'cali-other']);
    expect(kernel.chains.get('cali-other')![0]).toContain('ACCEPT');
  });
});

describe('parseSave', () => {
  it('reads hashes with and without quotes, and counts rules of others', () => {
    const saved = parseSave(
      '*filter\n:FORWARD DROP [1:2]\n:cali-x - [0:0]\n-A FORWARD -j y\n' +
        '-A FORWARD -m comment --comment "cali:0123456789abcdef" -j cali-x\n' +
        '-A cali-x -m comment --comment cali:_-23456789abcdef -m comment --comment "Drop it" -j DROP\n-A cali-x -j ACCEPT\nCOMMIT\n',
    ).get('filter')!;
    expect(saved.chains.get('cali-x')).toBe('_-23456789abcdef ?');
    expect(saved.foreign.get('FORWARD')).toEqual({
      count: 2,
      ours: [
        {
          index: 1,
          hash: '0123456789abcdef',
          spec: '-m comment --comment "cali:0123456789abcdef" -j cali-x',
        },
      ],
    });
  });

  it('reads the same however the text is cut', () => {
    const text =
      ':no table\n*filter\n:FORWARD DROP [1:2]\n:cali-x - [0:0]\n-A cali-x -j ACCEPT\n-A FORWARD -j y\nCOMMIT\n';
    for (let size = 1; size < text.length; size++) {
      const reader = new SaveReader();
      for (let at = 0; at < text.length; at += size) reader.read(text.slice(at, at + size));
      expect(reader.end()).toEqual(parseSave(text));
    }
    expect(parseSave(text).get('filter')!.chains.get('cali-x')).toBe('?');
  });
});
