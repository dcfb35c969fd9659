/** What a host's kernel holds, and what of it must be as it was with upstream's Felix: others' rules, workloads' routes. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Backend } from './backend.ts';

/** File name of a recording → its text. */
export type KernelState = Readonly<Record<string, string>>;

const TABLES = ['iptables-legacy', 'ip6tables-legacy', 'iptables-nft', 'ip6tables-nft'];
const ROUTES = ['-4', '-6'].map((v) => `ip ${v} route show table all | sed 's/^/${v} route /'`);
const SCRIPT = [
  ...TABLES.map((name) => `echo '=== ${name}.txt'; ${name}-save`),
  `echo '=== routes.txt'; { ${ROUTES.join('; ')}; }`,
  "echo '=== ipset.txt'; ipset save; echo '=== others'; ip neigh show nud permanent; nft list tables",
].join('; ');
/** Counters, times and ages change by themselves. */
const PASSING = /^#.*\n|\[\d+:\d+\]| expires \S+| age \S+/gm;

export function readKernel(namespace: string): KernelState {
  const text = execFileSync('ip', ['netns', 'exec', namespace, 'sh', '-c', SCRIPT], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 28,
  });
  const parts = text.replace(PASSING, '').split(/^=== (\S+)\n/m);
  return Object.fromEntries(parts.flatMap((part, i) => (i % 2 === 1 ? [[part, parts[i + 1] ?? '']] : [])));
}

/** What was recorded of a host, by step; over `backend` where that is not what it was recorded with. */
export function readRecordedKernel(dir: string, host: string, backend?: Backend): Map<string, KernelState> {
  const root = join(dir, 'recorded/kernel');
  const out = new Map<string, KernelState>();
  let state: KernelState = {};
  const steps = existsSync(root) ? readdirSync(root) : [];
  for (const step of steps.toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))) {
    const folder = join(root, step, host);
    for (const file of existsSync(folder) ? readdirSync(folder) : []) {
      const name = backend ? file.replace(/-(legacy|nft)\./, `-${backend}.`) : file;
      state = { ...state, [name]: readFileSync(join(folder, file), 'utf8') };
    }
    out.set(step.replace(/^\d+-/, ''), state);
  }
  return out;
}

/** Differences of what must not differ, one line each. */
export function compareKernel(want: KernelState, got: KernelState): string[] {
  const out: string[] = [];
  for (const name of TABLES) {
    const [before, after] = [want, got].map((state) => foreignRules(state[`${name}.txt`] ?? '')) as [
      string[],
      string[],
    ];
    out.push(...differences(`${name}: `, before, after));
    if (out.length === 0 && before.join() !== after.join()) out.push(`${name}: others' rules are in another order`);
  }
  const routes = (state: KernelState) => workloadRoutes(state['routes.txt'] ?? '');
  return [...out, ...differences('route ', routes(want), routes(got))];
}

function differences(what: string, want: readonly string[], got: readonly string[]): string[] {
  const lines = (kind: string, a: readonly string[], b: readonly string[]) =>
    a.filter((line) => !b.includes(line)).map((line) => `${what}${kind} ${line}`);
  return [...lines('missing', want, got), ...lines('extra', got, want)];
}

/**
 * What is not Calico's: policies of the kernel's chains, and the rules of each chain, with a mark where Calico's first
 * rule stands if there are others.
 */
export function foreignRules(save: string): string[] {
  const found = new Map<string, string[]>();
  const rulesOf = (chain: string): string[] => found.get(chain) ?? found.set(chain, []).get(chain)!;
  let table = '';
  for (const line of save.split('\n')) {
    const [, policy] = /^:(\S+) DROP/.exec(line) ?? [];
    const [, chain] = /^-A (\S+)/.exec(line) ?? [];
    if (line.startsWith('*')) table = line.slice(1);
    else if (policy) rulesOf(`${table} ${policy}`).push('policy DROP');
    else if (chain) {
      const rules = rulesOf(`${table} ${chain}`);
      const isOurs = chain.startsWith('cali') || /cali:| -[jg] cali-/.test(line);
      if (!isOurs) rules.push(line.trim());
      else if (!rules.includes('<calico>')) rules.push('<calico>');
    }
  }
  const shared = [...found].filter(([, rules]) => rules.join() !== '<calico>');
  return shared
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([chain, rules]) => rules.map((rule) => `${chain}: ${rule}`));
}

/** Destination, gateway and device of the routes that Felix programs. */
function workloadRoutes(text: string): string[] {
  const out = new Set<string>();
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/);
    if (words[1] !== 'route' || /(?:local|broadcast|multicast|anycast|fe80::|ff00::)/.test(words[2] ?? '')) continue;
    if (line.includes('table local') || (line.includes('dev eth0') && !line.includes('blackhole'))) continue;
    const type = ['blackhole', 'throw', 'unreachable', 'prohibit'].includes(words[2]!) ? 1 : 0;
    const field = (name: string) => (words.includes(name) ? [name, words[words.indexOf(name) + 1]] : []);
    out.add([words[0], ...words.slice(2, 3 + type), ...field('via'), ...field('dev')].join(' '));
  }
  return [...out];
}
