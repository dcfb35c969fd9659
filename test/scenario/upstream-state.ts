/** Puts a host's kernel into the state that upstream's Felix was recorded to leave it in. */
import { execFileSync } from 'node:child_process';
import type { KernelState } from './kernel-state.ts';

/** Sets first, for rules name them. What is there of the same name is replaced. */
export function restoreKernel(namespace: string, state: KernelState): void {
  const run = (stdin: string, ...command: string[]) =>
    execFileSync('ip', ['netns', 'exec', namespace, ...command], { input: stdin, stdio: ['pipe', 'ignore', 'pipe'] });
  const linesOf = (file: string) => (state[file] ?? '').split('\n').filter(Boolean);
  run(`${linesOf('ipset.txt').join('\n')}\n`, 'ipset', '-exist', 'restore');
  for (const tool of ['iptables', 'ip6tables'])
    for (const backend of ['legacy', 'nft']) {
      const text = state[`${tool}-${backend}.txt`];
      if (text) run(text, `${tool}-${backend}-restore`);
    }
  // The order matters little but for forwarding of all, which sets that of each interface.
  const parameters = linesOf('sysctl.txt').map((line) => line.replace(' ', '='));
  if (parameters.length > 0) run('', 'sysctl', '-qw', ...parameters);
  for (const line of linesOf('routes.txt')) {
    const [family, kind, ...words] = line.split(/\s+/);
    if (kind === 'route' && !line.includes(' dev eth0 ')) run('', 'ip', family!, 'route', 'replace', ...words);
  }
  for (const line of linesOf('links.txt')) {
    const [family, kind, ...words] = line.split(/\s+/);
    const entry = words.flatMap((word) => (word === 'PERMANENT' ? ['nud', 'permanent'] : [word]));
    if (kind === 'neigh') run('', 'ip', family!, 'neigh', 'replace', ...entry);
  }
}
