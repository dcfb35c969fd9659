/** calicoctl node run: starts calico-node with the environment that the options say. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { environmentOf } from '../../datastore/index.ts';
import { CalicoError } from '../../errors/index.ts';
import { programPath, runDirectory } from '../../program/index.ts';
import { ExitStatus } from '../exit-status.ts';
import { type Io, pathIn } from '../io.ts';
import { datastoreConfig } from '../session.ts';

export interface RunOptions {
  readonly config?: string;
  readonly name?: string;
  readonly as?: string;
  readonly ip?: string;
  readonly ip6?: string;
  readonly ipAutodetectionMethod?: string;
  readonly ip6AutodetectionMethod?: string;
  readonly logDir: string;
  readonly backend: string;
  readonly felixConfig?: string;
  readonly defaultIppools: boolean;
  readonly dryrun?: boolean;
  readonly initSystem?: boolean;
}

/** What calico-node logs when everything is there that Felix and BIRD need. */
const SET_UP = '"the node is set up"';
const PATIENCE_MS = 30_000;
const POLL_MS = 100;

/** E_CONFIG, E_FILE; E_EXISTS: it runs already. */
export async function run(io: Io, options: RunOptions): Promise<void> {
  const env = await environment(io, options);
  const command = [
    programPath('calico-node'),
    ...(options.felixConfig ? ['--felix-config', pathIn(io, options.felixConfig)] : []),
  ];
  if (options.dryrun) return void io.out(`${[...assignments(env), ...command].map(quoted).join(' ')}\n`);
  const all = { ...io.env, ...env };
  if (options.initSystem) throw new ExitStatus(await foreground(command, all));
  await background(io, command, all, pathIn(io, options.logDir));
}

async function environment(io: Io, options: RunOptions): Promise<Record<string, string>> {
  const given: Record<string, string | undefined> = {
    NODENAME: options.name,
    AS: options.as,
    IP: options.ip,
    IP6: options.ip6,
    IP_AUTODETECTION_METHOD: options.ipAutodetectionMethod,
    IP6_AUTODETECTION_METHOD: options.ip6AutodetectionMethod,
    CALICO_NETWORKING_BACKEND: options.backend,
    NO_DEFAULT_POOLS: options.defaultIppools ? undefined : 'true',
    CALICO_IPV4POOL_IPIP: ipip(io, options),
    ...environmentOf(await datastoreConfig(io, options.config)),
  };
  return Object.fromEntries(Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** A first pool has to work in whatever network there is: so it is encapsulated, unless somebody has decided otherwise. */
function ipip({ env }: Io, { backend, defaultIppools }: RunOptions): string | undefined {
  const decided = env.CALICO_IPV4POOL_IPIP !== undefined || env.CALICO_IPV4POOL_VXLAN !== undefined;
  return !decided && backend === 'bird' && defaultIppools ? 'Always' : undefined;
}

function foreground([program, ...args]: readonly string[], env: Io['env']): Promise<number> {
  const child = spawn(program as string, args, { env, stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return ended(child);
}

/** Resolves when the node is set up, or still has not ended after a while. */
async function background(io: Io, [program, ...args]: readonly string[], env: Io['env'], logs: string): Promise<void> {
  const pidFile = join(runDirectory(io.env), 'calico-node.pid');
  const running = runningPid(pidFile);
  if (running)
    throw new CalicoError('E_EXISTS', 'calico-node', `runs already: process ${running}`, {
      hint: `kill ${running} ends it`,
    });
  const log = join(logs, 'calico-node.log');
  const { descriptor, size } = openLog(logs, log);
  const child = spawn(program as string, args, { env, stdio: ['ignore', descriptor, descriptor], detached: true });
  let status: number | undefined;
  ended(child).then((code) => {
    status = code;
  });
  const said = () => readFileSync(log).subarray(size).toString();
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end && status === undefined && !said().includes(SET_UP); )
    await sleep(POLL_MS);
  if (status !== undefined)
    throw new CalicoError('E_CONFIG', 'calico-node', `ended: ${lastMessage(said())}`, { hint: `see ${log}` });
  mkdirSync(join(pidFile, '..'), { recursive: true });
  writeFileSync(pidFile, `${child.pid}\n`);
  child.unref();
  io.out(`Calico node started: process ${child.pid}, log ${log}\n`);
}

function openLog(directory: string, file: string) {
  try {
    mkdirSync(directory, { recursive: true });
    const descriptor = openSync(file, 'a');
    return { descriptor, size: readFileSync(file).length };
  } catch (cause) {
    throw new CalicoError('E_FILE', file, 'cannot be written', { hint: (cause as Error).message, cause });
  }
}

/** A file that is left over may name what is another process now. */
function runningPid(file: string): number | null {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('calico-node') ? pid : null;
  } catch {
    return null;
  }
}

function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.on('error', () => resolve(1));
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

/** The error of the last line of a log. */
function lastMessage(log: string): string {
  const last = log.trim().split('\n').at(-1) ?? '';
  try {
    const { error, msg } = JSON.parse(last) as { error?: string; msg?: string };
    return error ?? msg ?? last;
  } catch {
    return last || 'it said nothing';
  }
}

function assignments(env: Readonly<Record<string, string>>): string[] {
  return ['env', ...Object.entries(env).map(([name, value]) => `${name}=${name === 'ETCD_PASSWORD' ? '…' : value}`)];
}

function quoted(word: string): string {
  return /^[\w@%+=:,./[\]-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
