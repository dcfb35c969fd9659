/** The iptables of a kernel model: as iptables-restore --noflush and iptables-save have it. */

/** Chain → its rules. */
export type Table = Map<string, string[]>;

const BUILT_IN: Readonly<Record<string, readonly string[]>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
};
type Iptables = 'iptables' | 'ip6tables';

export class KernelChains {
  /** By family and name: `ip6tables filter`. */
  readonly tables = new Map<string, Table>();
  readonly #hasSet: (name: string) => boolean;
  readonly #refuse: (what: string) => void;

  constructor(hasSet: (name: string) => boolean, refuse: (what: string) => void) {
    this.#hasSet = hasSet;
    this.#refuse = refuse;
  }

  restore(family: Iptables, text: string): void {
    for (const [, name = '', lines = ''] of text.matchAll(/^\*(\w+)\n([\s\S]*?)^COMMIT$/gm))
      this.#commit(`${family} ${name}`, lines.split('\n').filter(Boolean));
  }

  save(family: Iptables): string {
    const texts = [...this.tables].map(([name, table]) => {
      if (!name.startsWith(`${family} `)) return '';
      const chains = [...table.keys()].map((chain) => `:${chain} ${chain.startsWith('cali-') ? '-' : 'ACCEPT'} [0:0]`);
      const rules = [...table].flatMap(([chain, list]) => list.map((rule) => `-A ${chain} ${rule}`));
      return [`*${name.split(' ')[1]}`, ...chains, ...rules, 'COMMIT', ''].join('\n');
    });
    return texts.join('');
  }

  uses(set: string): boolean {
    return [...this.tables.values()].some((table) =>
      [...table.values()].some((rules) => rules.some((rule) => rule.includes(`--match-set ${set} `))),
    );
  }

  /** Chains of ours that nothing leads to. */
  get orphans(): string[] {
    return [...this.tables].flatMap(([name, table]) => {
      const hooks = [...table.keys()].filter((chain) => !chain.startsWith('cali-'));
      const reached = new Set(hooks.flatMap((hook) => [...reachedFrom(table, hook)]));
      return [...table.keys()].filter((chain) => !reached.has(chain)).map((chain) => `${name} ${chain}`);
    });
  }

  /** The chains of a workload's interface that no dispatch leads to yet. */
  unpoliced(family: Iptables, name: string): string[] {
    const filter: Table = this.tables.get(`${family} filter`) ?? new Map();
    return [
      ...(isPoliced(filter, 'cali-from-wl-dispatch', name, 'in', `cali-fw-${name}`) ? [] : [`cali-fw-${name}`]),
      ...(isPoliced(filter, 'cali-to-wl-dispatch', name, 'out', `cali-tw-${name}`) ? [] : [`cali-tw-${name}`]),
    ];
  }

  #commit(name: string, lines: readonly string[]): void {
    const builtIn = BUILT_IN[name.split(' ')[1] as string] ?? [];
    const before = this.tables.get(name) ?? new Map(builtIn.map((chain) => [chain, []]));
    const table: Table = new Map([...before].map(([chain, rules]) => [chain, [...rules]]));
    for (const line of lines) if (!change(table, line)) this.#refuse(`${name}: ${line}`);
    for (const [chain, rules] of table)
      for (const missing of rules.flatMap((rule) => [...this.#missing(table, rule)]))
        this.#refuse(`${name}: ${chain} names ${missing}`);
    this.tables.set(name, table);
  }

  *#missing(table: Table, rule: string): Generator<string> {
    const target = targetOf(rule);
    if (target !== undefined && !table.has(target)) yield target;
    for (const [, set = ''] of rule.matchAll(/--match-set (\S+)/g)) if (!this.#hasSet(set)) yield set;
  }
}

/** One line of iptables-restore; false: it cannot be. */
function change(table: Table, line: string): boolean {
  const [, command, chain = '', rest = ''] = /^(:|-\w )(\S+) ?(.*)$/.exec(line) ?? [];
  const rules = table.get(chain);
  if (command === ':') return table.set(chain, []).has(chain);
  if (!rules) return false;
  if (command === '-A ') return rules.push(rest) > 0;
  if (command === '-I ') return rules.unshift(rest.replace(/^1 /, '')) > 0;
  if (command === '-X ') return rules.length === 0 && table.delete(chain);
  const at = rules.indexOf(rest);
  return command === '-D ' && at >= 0 && rules.splice(at, 1).length === 1;
}

/** Every chain that a packet may come through. */
function reachedFrom(table: Table, start: string): Set<string> {
  const reached = new Set<string>();
  const visit = (chain: string): void => {
    if (reached.has(chain)) return;
    reached.add(chain);
    for (const rule of table.get(chain) ?? []) visit(targetOf(rule) ?? chain);
  };
  visit(start);
  return reached;
}

/** Whether the dispatch brings the interface's packets to its own chain, or a closed chain stands in for it. */
function isPoliced(table: Table, chain: string, name: string, way: 'in' | 'out', own: string): boolean {
  if (chain === own) return (table.get(own)?.length ?? 0) > 0;
  for (const rule of table.get(chain) ?? []) {
    const pattern = new RegExp(`--${way}-interface (\\S+)`).exec(rule)?.[1];
    if (pattern === undefined) return rule.includes('cali:closed');
    const meets = pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
    if (meets) return isPoliced(table, targetOf(rule) as string, name, way, own);
  }
  return false;
}

/** The chain of ours that a rule leads to. */
function targetOf(rule: string): string | undefined {
  return /--(?:jump|goto) (cali-\S+)/.exec(rule)?.[1];
}
