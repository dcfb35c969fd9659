/** Puts a host's kernel into the state that upstream's Felix was recorded to leave it in. */
import { execFileSync } from 'node:child_process';
import type { KernelState } from './kernel-state.ts';

/** What links.txt says of a link; it has more. */
interface Link {
  readonly name: string;
  readonly mtu: number;
  readonly mac: string;
  readonly vxlan?: { id: number; local: string; link: string; port: number; learning: boolean };
}

/** Sets first, for rules name them; devices before their routes. What is there of the same name is replaced. */
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
  for (const line of linesOf('links.txt')) {
    const link: Link | undefined = line.startsWith('link ') ? JSON.parse(line.slice('link '.length)) : undefined;
    if (link?.vxlan) for (const command of vxlanDevice(link, linesOf('links.txt'))) run('', ...command.split(' '));
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

/** Commands that make a VXLAN device, with its addresses and forwarding database. */
function vxlanDevice({ name, mtu, mac, vxlan }: Link, links: readonly string[]): string[] {
  const { id, local, link, port, learning } = vxlan as NonNullable<Link['vxlan']>;
  const options = `id ${id} local ${local} dev ${link} dstport ${port} ${learning ? '' : 'no'}learning`;
  return [
    `ip link add ${name} address ${mac} mtu ${mtu} type vxlan ${options}`,
    ...links.flatMap((line) => {
      const [what, first, ...words] = line.split(' ');
      if (what === 'addr' && first === name) return [`ip addr add ${words.join(' ')} dev ${name}`];
      return what === 'fdb' ? [`bridge fdb append ${first} dev ${name} ${words.join(' ')}`] : [];
    }),
    `ip link set ${name} up`,
  ];
}
