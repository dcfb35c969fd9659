/** `iptables-save -c`, reduced to the counters of our rules and to what others have in the kernel's own chains. */
import { RULE_PREFIX } from '../../rules/index.ts';

export interface Counter {
  readonly packets: number;
  readonly bytes: number;
}

export interface ForeignRule {
  readonly table: string;
  readonly chain: string;
  /** As iptables-save has it; for a chain's policy `policy DROP of FORWARD`. */
  readonly text: string;
}

export interface Saved {
  /** By the hash in the rule's comment. */
  readonly counters: ReadonlyMap<string, Counter>;
  readonly foreign: readonly ForeignRule[];
}

const RULE = /^\[(\d+):(\d+)\] -A (\S+) (.*)$/;
const CHAIN = /^:(\S+) (\S+) \[/;
const HASH = new RegExp(`--comment "?${RULE_PREFIX}([\\w-]{16})"?(?= |$)`);

export function readSaved(text: string): Saved {
  const counters = new Map<string, Counter>();
  const foreign: ForeignRule[] = [];
  let table = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1);
    const [, name, policy] = CHAIN.exec(line) ?? [];
    if (name !== undefined && policy !== 'ACCEPT' && policy !== '-')
      foreign.push({ table, chain: name, text: `policy ${policy} of ${name}` });
    const [, packets, bytes, chain, spec] = RULE.exec(line) ?? [];
    if (chain === undefined || spec === undefined) continue;
    const hash = HASH.exec(spec)?.[1];
    if (hash !== undefined) counters.set(hash, { packets: Number(packets), bytes: Number(bytes) });
    else if (!chain.startsWith('cali-')) foreign.push({ table, chain, text: `-A ${chain} ${spec}` });
  }
  return { counters, foreign };
}
