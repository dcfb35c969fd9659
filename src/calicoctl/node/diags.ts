/** calicoctl node diags: what this host knows of itself, in one archive. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { birdSocket } from '../../bgp/control.ts';
import { CalicoError } from '../../errors/index.ts';
import { exec } from '../../kernel/index.ts';
import { programPath } from '../../program/index.ts';
import type { Io } from '../io.ts';

const TIMEOUT_MS = 20_000;

/** File → the command that fills it. None of them prints a password. */
function commands(io: Io): Readonly<Record<string, readonly string[]>> {
  const bird = birdSocket(io.env);
  const get = (...words: string[]) => [programPath('calicoctl'), 'get', ...words, '-o', 'yaml'];
  return {
    date: ['date', '-u'],
    hostname: ['hostname'],
    kernel: ['uname', '-a'],
    processes: ['ps', '-eo', 'pid,ppid,etimes,rss,args'],
    links: ['ip', '-d', '-s', 'link'],
    addresses: ['ip', 'address'],
    routes4: ['ip', '-4', 'route', 'show', 'table', 'all'],
    routes6: ['ip', '-6', 'route', 'show', 'table', 'all'],
    rules4: ['ip', '-4', 'rule'],
    rules6: ['ip', '-6', 'rule'],
    neighbours: ['ip', 'neighbour'],
    'forwarding-entries': ['bridge', 'fdb'],
    iptables4: ['iptables-save', '-c'],
    iptables6: ['ip6tables-save', '-c'],
    nftables: ['nft', 'list', 'ruleset'],
    ipsets: ['ipset', 'list'],
    sysctls: ['sysctl', '-a', '-r', '^net\\.'],
    sockets: ['ss', '-tulpn'],
    'bird-protocols': ['birdc', '-r', '-s', bird, 'show', 'protocols', 'all'],
    'node-status': [programPath('calicoctl'), 'node', 'status'],
    'bird-routes': ['birdc', '-r', '-s', bird, 'show', 'route'],
    felix: [programPath('calico'), 'felix', 'state'],
    'kernel-log': ['dmesg', '-T'],
    version: [programPath('calicoctl'), 'version'],
    nodes: get('nodes'),
    pools: get('ippools'),
    'felix-configuration': get('felixconfigurations'),
  };
}

/** Prints where the archive is, and what could not be had. E_FILE. */
export async function diags(io: Io, { logDir }: { readonly logDir: string }): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'calico-diags-'));
  const name = `diags-${new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}`;
  mkdirSync(join(directory, name));
  for (const [file, command] of Object.entries(commands(io))) {
    io.out(`Gathering ${file}\n`);
    const problem = await gather(join(directory, name, file), command, io);
    if (problem) io.out(`  ${problem}\n`);
  }
  if (existsSync(logDir)) cpSync(logDir, join(directory, name, 'logs'), { recursive: true });
  else io.out(`There are no logs in ${logDir}\n`);
  const archive = join(directory, `${name}.tar.gz`);
  const { status, stderr } = await exec('tar', ['-czf', archive, '-C', directory, name]);
  if (status !== 0) throw new CalicoError('E_FILE', archive, 'cannot be written', { hint: stderr.trim() });
  io.out(
    `\nDiagnostics are in ${archive}\nIt names addresses, policies and processes of this host: mind whom you give it.\n`,
  );
}

/** In words what is wrong; null: nothing. */
async function gather(file: string, [program, ...args]: readonly string[], io: Io): Promise<string | null> {
  const env = Object.fromEntries(
    Object.entries(io.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  try {
    const { status, stdout, stderr } = await exec(program as string, args, { timeoutMs: TIMEOUT_MS, env });
    writeFileSync(file, `$ ${[program, ...args].join(' ')}\n${stdout}${stderr}`);
    return status === 0 ? null : `status ${status}: ${stderr.trim().split('\n')[0] ?? ''}`;
  } catch (error) {
    writeFileSync(file, `$ ${[program, ...args].join(' ')}\n${error}\n`);
    return (error as Error).message;
  }
}
