/**
 * From what was in upstream's datastore to the rules that it left in the kernel: ours are the same, rule by rule. The hash in
 * each rule's comment covers upstream's words of the rule and of all rules ahead of it, so equal hashes are equal chains.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CalcGraph, DataplaneState } from '../../src/calc/index.ts';
import { decode } from '../../src/datastore/decode/index.ts';
import { type Family, ip } from '../../src/net/index.ts';
import {
  type Chain,
  compileHost,
  DEFAULT_RULES_CONFIG,
  lowerRuleset,
  type RenderedRule,
  type RulesConfig,
  renderChain,
  renderRules,
  type TableName,
} from '../../src/rules/index.ts';
import { words } from './policy-words.ts';

const FELIX = new URL('../vectors/felix/', import.meta.url);
const SCENARIOS: Readonly<Record<string, Partial<RulesConfig>>> = {
  'policy-order': {},
  'profiles-and-labels': {},
  selectors: {},
  'namespaces-and-accounts': {},
  'ports-and-protocols': {},
  'nets-and-sets': {},
  'nat-outgoing': { endpointToHostAction: 'accept' },
  'host-endpoints': {},
  ipv6: {},
  'live-changes': {},
  'vxlan-always': { vxlan: true },
  'foreign-rules': { endpointToHostAction: 'return' },
  openstack: {
    interfacePrefixes: ['tap'],
    openstack: true,
    metadata: { address: ip('127.0.0.1'), port: 8775 },
  },
};
/** Configuration of one host only. */
const HOSTS: Readonly<Record<string, Partial<RulesConfig>>> = {
  'foreign-rules h2': { filterAllowAction: 'return' },
};

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

interface Recording {
  readonly name: string;
  readonly host: string;
  readonly family: Family;
  readonly text: string;
  readonly datastore: ReadonlyMap<string, unknown>;
  readonly config: RulesConfig;
}

function recordings(scenario: string): Recording[] {
  const folder = new URL(`${scenario}/recorded/`, FELIX);
  const steps = JSON.parse(readFileSync(new URL('datastore.json', folder), 'utf8')) as Record<
    string,
    Record<string, unknown>
  >;
  const { steps: order } = JSON.parse(readFileSync(new URL(`${scenario}/scenario.json`, FELIX), 'utf8')) as {
    steps: readonly { name: string }[];
  };
  const kernel = readdirSync(new URL('kernel/', folder));
  const datastore = new Map<string, unknown>();
  return order.flatMap(({ name: step }, number) => {
    for (const [key, value] of Object.entries(steps[step] ?? {})) {
      if (value === null) datastore.delete(key);
      else datastore.set(key, value);
    }
    const name = `${number}-${step}`;
    if (!kernel.includes(name)) return [];
    return readdirSync(new URL(`kernel/${name}/`, folder)).flatMap((host) =>
      (['iptables-legacy', 'iptables-nft', 'ip6tables-legacy'] as const).flatMap((program): Recording[] => {
        const file = new URL(`kernel/${name}/${host}/${program}.txt`, folder);
        const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
        if (text === '') return [];
        const config = { ...DEFAULT_RULES_CONFIG, ...SCENARIOS[scenario], ...HOSTS[`${scenario} ${host}`] };
        const family = program.startsWith('ip6') ? 6 : 4;
        return [
          {
            name: `${scenario} ${name} ${host} IPv${family}`,
            host,
            family,
            text,
            datastore: new Map(datastore),
            config,
          },
        ];
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

function ourChains({ host, family, datastore, config }: Recording): Map<string, readonly RenderedRule[]> {
  const graph = new CalcGraph({ node: host });
  const state = new DataplaneState();
  graph.onUpdates([...datastore].map(([key, value]) => decode(key, JSON.stringify(value))).filter((u) => u !== null));
  graph.onStatus('in-sync');
  graph.flush((update) => state.apply(update));
  const eth0 = [`172.30.0.1${host.slice(1)}`, `fd00:30::1${host.slice(1)}`].map(ip);
  const tunnel = [...state.nodes.values()].some(({ id, ipv4VxlanTunnel }) => id.name === host && ipv4VxlanTunnel);
  const complete = { ...config, ...(tunnel && { vxlanTunnelDevice: 'vxlan.calico' }) };
  const compiled = compileHost({ ...state, interfaces: new Map([['eth0', eth0]]) }, complete, family);
  const options = { family, marks: config.marks, randomFully: true };
  const rendered = new Map<string, readonly RenderedRule[]>();
  for (const [table, { chains, hooks }] of Object.entries(lowerRuleset(compiled)) as [
    TableName,
    (typeof compiled)[TableName],
  ][]) {
    for (const chain of chains.values())
      rendered.set(`${table} ${chain.name}`, renderChain(chain as Chain, options).rules);
    for (const [hook, { entry }] of Object.entries(hooks))
      rendered.set(`${table} ${hook}`, renderRules(hook, entry, options));
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
