/** What the kernel of this host says about a packet's way: the counters of the rules on it, and who else has rules there. */
import { networkInterfaces } from 'node:os';
import { programsOf } from '../../drivers/iptables/index.ts';
import { execOk } from '../../kernel/index.ts';
import { type Family, parseIp } from '../../net/index.ts';
import { type Hook, type Ruleset, renderRules, type Trace } from '../../rules/index.ts';
import { describeDecider } from './describe.ts';
import { type Hop, speaking } from './journey.ts';
import { type Counter, readSaved, type Saved } from './saved-counters.ts';
import type { Interfaces } from './simulated-host.ts';

export interface LiveRule {
  readonly table: string;
  readonly chain: string;
  readonly text: string;
  /** Null: the kernel does not have the rule, so that what it does may differ from what is said here. */
  readonly packets: number | null;
  readonly bytes: number | null;
}

export interface Live {
  readonly node: string;
  readonly rules: readonly LiveRule[];
  /** Rules and policies of others in the kernel's chains that the packet passes, as `iptables-save` has them. */
  readonly foreign: readonly string[];
}

/** E_KERNEL when iptables cannot be asked. */
export async function readLive(hop: Hop): Promise<Live> {
  const saved = await read(hop.packet.family);
  const { ruleset, trace } = hop.host.sendLowered(hop.packet);
  return {
    node: hop.host.node,
    rules: speaking({ trace }).flatMap((step) => {
      if (!step.chain.startsWith('cali-')) return [];
      const counter = counterOf(step, ruleset, hop, saved);
      const count = counter ?? { packets: null, bytes: null };
      return [{ table: step.table, chain: step.chain, text: describeDecider(step, hop), ...count }];
    }),
    foreign: foreignOn(trace, saved),
  };
}

/** This host's interfaces as they are now. */
export function ownInterfaces(): Interfaces {
  return new Map(
    Object.entries(networkInterfaces()).map(([name, addresses]) => [
      name,
      (addresses ?? []).flatMap(({ address }) => parseIp(address) ?? []),
    ]),
  );
}

/** Of both backends: what others have in the one that Felix does not use has its say, too. */
async function read(family: Family): Promise<Saved> {
  const texts = (['legacy', 'nft'] as const).map((backend) => execOk(programsOf(backend, family).save, ['-c']));
  const saved = (await Promise.all(texts)).map(readSaved);
  return {
    counters: new Map(saved.flatMap(({ counters }) => [...counters])),
    foreign: saved.flatMap(({ foreign }) => foreign),
  };
}

function counterOf(step: Trace['steps'][number], ruleset: Ruleset, hop: Hop, saved: Saved): Counter | undefined {
  const rules = ruleset[step.table].chains.get(step.chain)?.rules ?? [];
  // What the kernel can do is not known here; only rules that translate addresses differ by it.
  for (const randomFully of [true, false]) {
    const options = { family: hop.packet.family, marks: hop.host.config.marks, randomFully };
    const { hash } = renderRules(step.chain, rules.slice(0, step.ruleIndex + 1), options).at(-1) ?? {};
    const counter = hash === undefined ? undefined : saved.counters.get(hash);
    if (counter) return counter;
  }
  return undefined;
}

function foreignOn(trace: Trace, { foreign }: Saved): string[] {
  const passed = new Set<Hook>(trace.steps.map(({ hook }) => hook));
  return foreign.filter(({ chain }) => passed.has(chain as Hook)).map(({ table, text }) => `${table} ${text}`);
}
