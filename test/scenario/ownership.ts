/**
 * Whose is what in a host's kernel: what a Felix must have removed, and what it must leave so that upstream's finds its
 * own again: chains by prefix, rules by the hash in their comments, sets by name and shape.
 */
import type { KernelState } from './kernel-state.ts';

const SAVES = ['iptables-legacy.txt', 'ip6tables-legacy.txt', 'iptables-nft.txt', 'ip6tables-nft.txt'];
/** Sets that upstream has whether a rule names them or not. */
const ALWAYS = /^cali[46]0(all-ipam-pools|masq-ipam-pools|this-host|all-hosts-net|all-vxlan-net)$/;
const SHAPE = /^hash:(net|ip|ip,port) family inet6? maxelem \d+$/;

interface Table {
  /** File and table. */
  readonly name: string;
  readonly chains: readonly string[];
  readonly rules: readonly string[];
}

function tablesOf(state: KernelState): Table[] {
  return SAVES.flatMap((file) =>
    (state[file] ?? '').split(/^\*/m).flatMap((text) => {
      const lines = text.split('\n');
      const chains = lines.flatMap((line) => /^:(\S+)/.exec(line)?.[1] ?? []);
      const rules = lines.filter((line) => line.startsWith('-A '));
      return chains.length > 0 ? [{ name: `${file} ${lines[0]}`, chains, rules }] : [];
    }),
  );
}

/** Name → type and options. */
function setsOf(state: KernelState): Map<string, string> {
  const creates = (state['ipset.txt'] ?? '').split('\n').flatMap((line) => /^create (\S+) (.*)$/.exec(line) ?? []);
  return new Map(
    creates.flatMap((_, i) =>
      i % 3 === 0
        ? [[creates[i + 1]!, creates[i + 2]!.replace(/ (hashsize|bucketsize|initval) \S+/g, '').trim()] as const]
        : [],
    ),
  );
}

const isOurs = (chain: string) => chain.startsWith('cali-');

/** Chains that no rule leads to, and sets that no rule names: left behind by somebody who was Felix before. */
export function leftovers(state: KernelState): string[] {
  const out: string[] = [];
  const named = new Set<string>();
  for (const { name, chains, rules } of tablesOf(state)) {
    const targets = new Set(rules.flatMap((rule) => / -[jg] (\S+)/.exec(rule)?.[1] ?? []));
    for (const chain of chains) if (isOurs(chain) && !targets.has(chain)) out.push(`${name} ${chain}`);
    for (const rule of rules) for (const [, set] of rule.matchAll(/--match-set (\S+)/g)) named.add(set as string);
  }
  for (const set of setsOf(state).keys())
    if (/^cali[46]/.test(set) && !named.has(set) && !ALWAYS.test(set)) out.push(`set ${set}`);
  return out;
}

/** What upstream's Felix would not know as Felix's, or not as it makes it. */
export function unlikeUpstream(state: KernelState): string[] {
  const out: string[] = [];
  for (const { name, chains, rules } of tablesOf(state)) {
    for (const chain of chains.filter(isOurs)) if (chain.length > 28) out.push(`${name} ${chain}: too long a name`);
    for (const rule of rules) {
      const [, chain, target] = /^-A (\S+)(?:.* -[jg] (\S+))?/.exec(rule) as string[];
      const ours = isOurs(chain as string) || isOurs(target ?? '');
      if (ours && !/--comment "?cali:[\w-]{16}"?( |$)/.test(rule)) out.push(`${name}: no hash: ${rule}`);
      const [, mark] = /--set-xmark (0x[0-9a-f]+)\//.exec(rule) ?? [];
      if (ours && mark && Number(mark) & 0xffff) out.push(`${name}: a mark of others: ${rule}`);
    }
  }
  for (const [set, shape] of setsOf(state))
    if (/^cali/.test(set) && !(/^cali[46]0[\w:-]+$/.test(set) && set.length <= 31 && SHAPE.test(shape)))
      out.push(`set ${set} ${shape}`);
  return out;
}

/** Names of chains and sets that are nobody of Calico's. */
export function othersNames(state: KernelState): string[] {
  const chains = tablesOf(state).flatMap(({ name, chains }) =>
    chains.filter((chain) => !isOurs(chain) && !/^[A-Z]+$/.test(chain)).map((chain) => `${name} ${chain}`),
  );
  return [...chains, ...[...setsOf(state).keys()].filter((set) => !set.startsWith('cali'))].sort();
}
