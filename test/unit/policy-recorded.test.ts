/**
 * From what was in upstream's datastore to the rules that it left in the kernel: ours are the same, rule by rule. The hash in
 * each rule's comment covers upstream's words of the rule and of all rules ahead of it, so equal hashes are equal chains.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Family } from '../../src/net/index.ts';
import {
  compileHost,
  lowerRuleset,
  type RenderedRule,
  renderChain,
  renderRules,
  type TableName,
} from '../../src/rules/index.ts';
import { addressesOf, configOf, FELIX, SCENARIOS, type Step, stateOf, stepsOf } from './policy-scenarios.ts';
import { words } from './policy-words.ts';

/** Chains whose rules say the same in other words, and why. They are compared by meaning. */
const OTHER_WORDS: readonly { readonly chain: RegExp; readonly why: string }[] = [
  { chain: /^filter cali-(INPUT|OUTPUT)$/, why: 'VXLAN: upstream names ports ahead of sets there, elsewhere behind' },
  { chain: /^nat cali-PREROUTING$/, why: 'metadata: upstream names the port ahead of the address' },
  {
    chain: /^filter cali-pi-default.client$/,
    why: 'a policy says 17 for UDP: protocols are numbers to us, and have one name',
  },
  { chain: /^nat cali-fip-snat$/, why: 'upstream names the destination ahead of the source' },
];

/** Beyond upstream's rules, and behind them: workloads that answer DHCP or advertise themselves as routers (OpenStack). */
const OURS = 'cali-rogue-servers';

interface Recording {
  readonly name: string;
  readonly scenario: string;
  readonly step: Step;
  readonly host: string;
  readonly family: Family;
  readonly text: string;
}

const PROGRAMS = { 'iptables-legacy': 4, 'iptables-nft': 4, 'ip6tables-legacy': 6 } as const;

function recordings(scenario: string): Recording[] {
  const folder = new URL(`${scenario}/recorded/kernel/`, FELIX);
  const recorded = readdirSync(folder);
  return stepsOf(scenario).flatMap((step, number) => {
    const name = `${number}-${step.name}`;
    const hosts = recorded.includes(name) ? readdirSync(new URL(`${name}/`, folder)) : [];
    return hosts.flatMap((host) =>
      Object.entries(PROGRAMS).flatMap(([program, family]): Recording[] => {
        const file = new URL(`${name}/${host}/${program}.txt`, folder);
        const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
        return text === ''
          ? []
          : [{ name: `${scenario} ${name} ${host} IPv${family}`, scenario, step, host, family, text }];
      }),
    );
  });
}

/** `table chain` → its rules that are Felix's, as iptables-save prints them. */
function savedChains(text: string): Map<string, string[]> {
  const chains = new Map<string, string[]>();
  let table = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1);
    const declared = /^:(cali-\S+)/.exec(line)?.[1];
    if (declared) chains.set(`${table} ${declared}`, []);
    const rule = /^-A (\S+) .*"cali:/.exec(line)?.[1];
    if (rule) chains.set(`${table} ${rule}`, [...(chains.get(`${table} ${rule}`) ?? []), line]);
  }
  return chains;
}

function ourChains({ scenario, step, host, family }: Recording): Map<string, readonly RenderedRule[]> {
  const state = stateOf(host, step);
  const config = configOf(scenario, host, state);
  const interfaces = new Map([['eth0', addressesOf(host)]]);
  const compiled = compileHost({ ...state, interfaces }, config, family);
  const options = { family, marks: config.marks, randomFully: true };
  const rendered = new Map<string, readonly RenderedRule[]>();
  for (const [table, { chains, hooks }] of Object.entries(lowerRuleset(compiled)) as [
    TableName,
    (typeof compiled)[TableName],
  ][]) {
    for (const chain of chains.values())
      if (chain.name !== OURS) rendered.set(`${table} ${chain.name}`, renderChain(chain, options).rules);
    for (const [hook, { entry }] of Object.entries(hooks))
      rendered.set(
        `${table} ${hook}`,
        renderRules(hook, entry, options).filter(({ text }) => !text.endsWith(`--jump ${OURS}`)),
      );
  }
  return rendered;
}

test.each(Object.keys(SCENARIOS).flatMap(recordings))('$name', (recording) => {
  const upstream = savedChains(recording.text);
  const ours = ourChains(recording);
  expect([...ours.keys()].sort()).toEqual([...upstream.keys()].sort());
  for (const [chain, saved] of upstream) {
    const rules = ours.get(chain) ?? [];
    expect({ chain, rules: rules.map(({ text }) => words(text)) }).toEqual({
      chain,
      rules: saved.map((line) => words(line)),
    });
    if (OTHER_WORDS.some((exception) => exception.chain.test(chain))) continue;
    const hashes = saved.map((line) => /"cali:([^"]+)"/.exec(line)?.[1]);
    expect({ chain, hashes: rules.map(({ hash }) => hash) }).toEqual({ chain, hashes });
  }
});
