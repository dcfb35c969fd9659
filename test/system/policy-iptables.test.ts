/**
 * What iptables understands of our rules: random policy is lowered and rendered, put into a kernel, and read back. Each rule
 * says there what it says here, on both backends and for both families.
 */
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CalcGraph, DataplaneState } from '../../src/calc/index.ts';
import type { Update } from '../../src/model/index.ts';
import type { Family } from '../../src/net/index.ts';
import {
  ALL_HOSTS,
  ALL_POOLS,
  type Chain,
  compileHost,
  DEFAULT_RULES_CONFIG,
  ipsetName,
  lowerRuleset,
  MASQUERADED_POOLS,
  type RenderedRule,
  type Ruleset,
  renderChain,
  renderRules,
  type TableName,
  VXLAN_HOSTS,
} from '../../src/rules/index.ts';
import type { Resources } from '../naive/resources.ts';
import { clusters } from '../random/clusters.ts';
import { words } from '../unit/policy-words.ts';

const CLUSTERS = 15;
const SEED = 20261123;
const CONFIG = { ...DEFAULT_RULES_CONFIG, vxlan: true, ipip: true, natPortRange: { min: 1024, max: 2048 } };
const PROGRAMS = [
  ['legacy', 4, 'iptables-legacy'],
  ['legacy', 6, 'ip6tables-legacy'],
  ['nft', 4, 'iptables-nft'],
  ['nft', 6, 'ip6tables-nft'],
] as const;

const ns = `e-ipt-${process.pid}`;
const ip = (...args: string[]) => execFileSync('ip', args, { encoding: 'utf8' });
const inNs = (input: string, program: string, ...args: string[]): string =>
  execFileSync('ip', ['netns', 'exec', ns, program, ...args], {
    input,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'pipe'],
  });

beforeAll(() => void ip('netns', 'add', ns));
afterAll(() => void ip('netns', 'del', ns));

function stateOf(resources: Resources): DataplaneState {
  const graph = new CalcGraph({ node: 'h1' });
  const state = new DataplaneState();
  const values = [...resources.sets, ...resources.profiles, ...resources.policies, ...resources.workloads];
  graph.onUpdates(values.map((value) => ({ id: value.id, value }) as Update));
  graph.onStatus('in-sync');
  graph.flush((update) => state.apply(update));
  return state;
}

/** By table, by chain. */
type Rendered = Map<TableName, Map<string, readonly RenderedRule[]>>;

function render(ruleset: Ruleset, family: Family): Rendered {
  const options = { family, marks: CONFIG.marks, randomFully: true };
  return new Map(
    (Object.entries(ruleset) as [TableName, Ruleset[TableName]][]).map(([table, { chains, hooks }]) => [
      table,
      new Map([
        ...[...chains.values()].map((chain: Chain) => [chain.name, renderChain(chain, options).rules] as const),
        ...Object.entries(hooks).map(([hook, { entry }]) => [hook, renderRules(hook, entry, options)] as const),
      ]),
    ]),
  );
}

function restoreText(rendered: Rendered): string {
  return [...rendered]
    .map(([table, chains]) => {
      const declared = [...chains.keys()].filter((name) => name.startsWith('cali-')).map((name) => `:${name} - -\n`);
      const rules = [...chains].flatMap(([name, list]) => list.map(({ text }) => `-A ${name} ${text}\n`));
      return `*${table}\n${declared.join('')}${rules.join('')}COMMIT\n`;
    })
    .join('');
}

function createSets(state: DataplaneState, family: Family): void {
  const inet = family === 4 ? 'inet' : 'inet6';
  const sets = new Map([...state.sets].map(([id, { type }]) => [id, type === 'net' ? 'hash:net' : 'hash:ip,port']));
  for (const id of [ALL_POOLS, MASQUERADED_POOLS, ALL_HOSTS, VXLAN_HOSTS]) sets.set(id, 'hash:net');
  const lines = [...sets].map(([id, type]) => `create ${ipsetName(id, family)} ${type} family ${inet}\n`);
  inNs(lines.join(''), 'ipset', 'restore');
}

function readBack(saved: string): Map<string, string[][]> {
  const found = new Map<string, string[][]>();
  let table = '';
  for (const line of saved.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1);
    const chain = /^-A (\S+) .*"cali:/.exec(line)?.[1];
    if (chain) found.set(`${table} ${chain}`, [...(found.get(`${table} ${chain}`) ?? []), words(line)]);
  }
  return found;
}

function said(rendered: Rendered): Map<string, string[][]> {
  return new Map(
    [...rendered].flatMap(([table, chains]) =>
      [...chains]
        .filter(([, rules]) => rules.length > 0)
        .map(([chain, rules]) => [`${table} ${chain}`, rules.map(({ text }) => words(text))] as const),
    ),
  );
}

test.each(PROGRAMS)('%s, IPv%s', (_, family, program) => {
  fc.assert(
    fc.property(clusters, (resources) => {
      const state = stateOf(resources);
      createSets(state, family);
      try {
        const compiled = compileHost({ ...state, interfaces: new Map() }, CONFIG, family);
        const rendered = render(lowerRuleset(compiled), family);
        inNs(restoreText(rendered), `${program}-restore`);
        expect(readBack(inNs('', `${program}-save`))).toEqual(said(rendered));
      } finally {
        inNs('*raw\nCOMMIT\n*mangle\nCOMMIT\n*nat\nCOMMIT\n*filter\nCOMMIT\n', `${program}-restore`);
        inNs('', 'ipset', 'destroy');
      }
    }),
    { numRuns: CLUSTERS, seed: SEED, endOnFailure: true },
  );
});
