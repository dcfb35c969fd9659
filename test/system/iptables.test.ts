/** The iptables driver against both backends of a real kernel, each case in a namespace of its own. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Backend,
  type ChainSource,
  detectBackend,
  type InsertMode,
  Iptables,
} from '../../src/drivers/iptables/index.ts';
import { type ExecOptions, exec, execOk } from '../../src/kernel/index.ts';
import { DEFAULT_RULES_CONFIG, type RenderedRule, type Rule, renderRules } from '../../src/rules/index.ts';

let count = 0;
let ns = '';
const run = (program: string, args: readonly string[], options?: ExecOptions) =>
  exec('ip', ['netns', 'exec', ns, program, ...args], options);
const sh = (command: string) => execOk('ip', ['netns', 'exec', ns, 'sh', '-c', command]);

beforeEach(async () => {
  ns = `g-ipt-${process.pid}-${count++}`;
  await execOk('ip', ['netns', 'add', ns]);
});
afterEach(() => execOk('ip', ['netns', 'del', ns]));

const options = { family: 4, marks: DEFAULT_RULES_CONFIG.marks, randomFully: true } as const;
const plumbing = { type: 'plumbing' } as const;
const rule = (action: Rule['action'], match: Rule['match'] = {}): Rule => ({ match, action, origin: plumbing });
const text = (
  name: string,
  rules: readonly RenderedRule[],
  standIn?: readonly RenderedRule[],
): [string, ChainSource] => [name, { rules: () => rules, standIn: () => standIn }];
const chain = (name: string, ...rules: Rule[]) => text(name, renderRules(name, rules, options));
const hook = (name: string, target: string) => ({
  entry: renderRules(name, [rule({ type: 'jump', chain: target })], options),
  end: [],
});

function driver(backend: Backend, insertMode: InsertMode = 'insert') {
  const clock = { now: 0 };
  const iptables = new Iptables({ family: 4, backend, insertMode, run, clock: () => clock.now });
  iptables.tables.filter.setChain(...chain('cali-FORWARD', rule({ type: 'jump', chain: 'cali-a' })));
  iptables.tables.filter.setChain(
    ...chain('cali-a', rule({ type: 'drop' }, { protocol: 6 }), rule({ type: 'return' })),
  );
  iptables.tables.filter.setHook('FORWARD', hook('FORWARD', 'cali-FORWARD'));
  iptables.tables.raw.setChain(...chain('cali-PREROUTING', rule({ type: 'notrack' })));
  iptables.tables.raw.setHook('PREROUTING', hook('PREROUTING', 'cali-PREROUTING'));
  const refused = () => [...iptables.refusals()].map(({ table, chain: name, refusal }) => [table, name, refusal.rule]);
  return { iptables, refused, clock };
}

const rulesOf = async (backend: Backend, name: string, table = 'filter') =>
  (await sh(`iptables-${backend} -t ${table} -S ${name}`)).split('\n').filter((line) => line.startsWith('-A'));

describe.each(['legacy', 'nft'] as const)('%s', (backend) => {
  it('writes all tables by one restore, and a second start finds nothing to write', async () => {
    const { iptables } = driver(backend);
    await iptables.load();
    await iptables.apply();
    expect(iptables.counts).toEqual({ saves: 1, restores: 1, chainsWritten: 5, chainsRemoved: 0 });
    expect(await rulesOf(backend, 'cali-a')).toHaveLength(2);
    expect(await rulesOf(backend, 'PREROUTING', 'raw')).toHaveLength(1);
    const second = driver(backend).iptables;
    await second.load();
    await second.apply();
    expect(second.counts.restores).toBe(0);
  });

  it('writes a changed chain and no other', async () => {
    const { iptables } = driver(backend);
    await iptables.load();
    await iptables.apply();
    iptables.tables.filter.setChain(...chain('cali-a', rule({ type: 'drop' })));
    await iptables.apply();
    expect(iptables.counts).toEqual({ saves: 1, restores: 2, chainsWritten: 6, chainsRemoved: 0 });
    expect(await rulesOf(backend, 'cali-a')).toHaveLength(1);
  });

  it.each(['insert', 'append'] as const)('leaves others alone and removes what is stale (%s)', async (mode) => {
    const x = `iptables-${backend}`;
    await sh(`${x} -N mine; ${x} -A mine -p tcp --dport 8003 -j DROP; ${x} -A FORWARD -j mine; ${x} -P FORWARD DROP
      ${x} -A FORWARD -p tcp --dport 8004 -m comment --comment 'two words' -j ACCEPT
      ${x} -N cali-stale; ${x} -A cali-stale -j DROP
      ${x} -I FORWARD -m comment --comment cali:abcdefghijklmnop -j cali-stale`);
    const { iptables } = driver(backend, mode);
    await iptables.load();
    await iptables.apply();
    const lines = await rulesOf(backend, 'FORWARD');
    const ours = lines.findIndex((line) => line.includes('cali-FORWARD'));
    expect(ours).toBe(mode === 'insert' ? 0 : 2);
    expect(lines.toSpliced(ours, 1)).toEqual([
      '-A FORWARD -j mine',
      '-A FORWARD -p tcp -m tcp --dport 8004 -m comment --comment "two words" -j ACCEPT',
    ]);
    const saved = await sh(`${x}-save`);
    expect(saved).not.toContain('cali-stale');
    expect(saved).toContain(':FORWARD DROP');
    expect(await rulesOf(backend, 'mine')).toHaveLength(1);
  });

  it('an audit mends what others changed, and keeps what they added elsewhere', async () => {
    const x = `iptables-${backend}`;
    const { iptables } = driver(backend);
    await iptables.load();
    await iptables.apply();
    const before = await rulesOf(backend, 'cali-a');
    expect((await iptables.audit()).operations).toBe(0);
    await sh(`${x} -I cali-a -j ACCEPT; ${x} -F cali-FORWARD; ${x} -I FORWARD -p udp --dport 9 -j DROP
      ${x} -t raw -F PREROUTING; ${x} -A OUTPUT -p udp -j DROP`);
    expect((await iptables.audit()).operations).toBe(4);
    expect(await rulesOf(backend, 'cali-a')).toEqual(before);
    expect((await rulesOf(backend, 'FORWARD')).map((line) => line.split(' ').at(-1))).toEqual(['cali-FORWARD', 'DROP']);
    expect(await rulesOf(backend, 'OUTPUT')).toHaveLength(1);
    expect((await iptables.audit()).operations).toBe(0);
  });

  it('closes a chain that the kernel refuses, and writes the rest', async () => {
    const { iptables, refused, clock } = driver(backend);
    const noSuchSet = rule({ type: 'accept' }, { source: { sets: ['s:nowhere'] } });
    iptables.tables.filter.setChain(...chain('cali-bad', rule({ type: 'return' }), noSuchSet));
    iptables.tables.filter.setChain(...chain('cali-a', rule({ type: 'jump', chain: 'cali-bad' })));
    await iptables.load();
    const { errors, retryAt } = await iptables.apply();
    expect(refused()).toEqual([['filter', 'cali-bad', 1]]);
    expect([...errors.keys()]).toEqual(['filter cali-bad']);
    expect(retryAt).toBe(100);
    expect((await rulesOf(backend, 'cali-bad')).map((line) => line.split(' ').at(-1))).toEqual(['DROP']);
    expect(await rulesOf(backend, 'FORWARD')).toHaveLength(1);
    const { restores } = iptables.counts;
    await iptables.apply();
    expect(iptables.counts.restores).toBe(restores);
    await sh('ipset create cali40s:nowhere hash:net');
    clock.now = 100;
    expect((await iptables.apply()).retryAt).toBe(null);
    expect(await rulesOf(backend, 'cali-bad')).toHaveLength(2);
    expect(refused()).toEqual([]);
  });

  it('tries a refused chain again by itself, later each time, and at once when it changes', async () => {
    const { iptables, refused, clock } = driver(backend);
    const noSuchSet = rule({ type: 'accept' }, { source: { sets: ['s:nowhere'] } });
    iptables.tables.filter.setChain(...chain('cali-a', noSuchSet));
    await iptables.load();
    await iptables.apply();
    clock.now = 100;
    const { restores, saves } = iptables.counts;
    expect((await iptables.apply()).retryAt).toBe(300);
    expect({ ...iptables.counts }).toMatchObject({ saves, restores: restores + 1 });
    expect(refused()).toEqual([['filter', 'cali-a', 0]]);
    iptables.tables.filter.setChain(...chain('cali-a', rule({ type: 'return' })));
    expect((await iptables.apply()).retryAt).toBe(null);
    expect(await rulesOf(backend, 'cali-a')).toHaveLength(1);
  });

  it('has a stand-in of its own for a chain that comes with one', async () => {
    const { iptables } = driver(backend);
    const noSuchSet = rule({ type: 'accept' }, { source: { sets: ['s:nowhere'] } });
    const standIn = renderRules(
      'cali-a',
      [rule({ type: 'accept' }, { protocol: 17 }), rule({ type: 'drop' })],
      options,
    );
    iptables.tables.filter.setChain(...text('cali-a', renderRules('cali-a', [noSuchSet], options), standIn));
    await iptables.load();
    await iptables.apply();
    expect((await rulesOf(backend, 'cali-a')).map((line) => line.split(' ').at(-1))).toEqual(['ACCEPT', 'DROP']);
    const second = driver(backend).iptables;
    second.tables.filter.setChain(...text('cali-a', renderRules('cali-a', [noSuchSet], options), standIn));
    await second.load();
    await second.apply();
    expect(await rulesOf(backend, 'cali-a')).toHaveLength(2);
  });

  it('does not close what every packet of the host enters', async () => {
    const { iptables, refused } = driver(backend);
    const noSuchSet = rule({ type: 'accept' }, { source: { sets: ['s:nowhere-else'] } });
    iptables.tables.raw.setChain(...chain('cali-PREROUTING', noSuchSet));
    await iptables.load();
    await expect(iptables.apply()).rejects.toThrow(/cali-PREROUTING/);
    expect(refused()).toEqual([]);
    expect(await sh(`iptables-${backend}-save -t raw`)).not.toContain('DROP');
  });

  it('finds by halves what the kernel refuses without saying where', async () => {
    const { iptables, refused } = driver(backend);
    for (let i = 0; i < 9; i++) iptables.tables.filter.setChain(...chain(`cali-ok${i}`, rule({ type: 'return' })));
    // Well-formed, but only the kernel knows that DNAT is not for the filter table.
    const dnat = { text: '-p tcp -j DNAT --to-destination 10.0.0.1', hash: 'dnat------------' };
    const fine = (i: number) => ({ text: `-p tcp --dport ${i} -j RETURN`, hash: `fine-----------${i}` });
    iptables.tables.filter.setChain(...text('cali-dnat', [fine(1), fine(2), fine(3), dnat, fine(4)]));
    await iptables.load();
    await iptables.apply();
    expect(refused()).toEqual([['filter', 'cali-dnat', 3]]);
    expect(await sh(`iptables-${backend}-save`)).not.toContain('cali-probe');
    expect(await rulesOf(backend, 'cali-ok8')).toHaveLength(1);
    expect(await rulesOf(backend, 'FORWARD')).toHaveLength(1);
  });
});

it('takes the backend that has entries, legacy when neither has', async () => {
  expect(await detectBackend('Auto', run)).toBe('legacy');
  await sh('iptables-nft -N mine');
  expect(await detectBackend('auto', run)).toBe('nft');
  expect(await detectBackend('Legacy', run)).toBe('legacy');
});
