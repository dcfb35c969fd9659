/** Running programs, in the lab's namespaces and outside. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { CalicoError } from '../errors/index.ts';
import { namespaceOf } from './plan.ts';

/** Resolves to standard output. E_KERNEL: it failed; the message is what it wrote to standard error. */
export function run(command: readonly string[], input = '', env?: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0] as string, command.slice(1), { stdio: 'pipe', ...(env && { env }) });
    let [output, errors] = ['', ''];
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    child.stdin.on('error', () => {}); // it ended without reading: its status says why
    child.stdin.end(input);
    child.on('error', (cause) => reject(new CalicoError('E_KERNEL', command[0] as string, cause.message, { cause })));
    child.on('close', (status) => {
      if (status === 0) resolve(output);
      else reject(new CalicoError('E_KERNEL', command.join(' '), errors.trim() || `exit status ${status}`));
    });
  });
}

/** Commands for `ip`, in one process, in the namespace of that name. */
export function ip(name: string, commands: readonly string[]): Promise<string> {
  return run(['ip', '-n', namespaceOf(name), '-batch', '-'], commands.join('\n'));
}

/** The command line that runs a command in a namespace; with `runDirectory` in place of /run. */
export function inside(name: string, command: readonly string[], runDirectory?: string): string[] {
  const enter = ['ip', 'netns', 'exec', namespaceOf(name)];
  if (!runDirectory) return [...enter, ...command];
  return [...enter, 'sh', '-c', 'mount --bind "$0" /run && exec "$@"', runDirectory, ...command];
}

/** Starts a program that outlives this one; its output goes to `log`. */
export function startDaemon(
  command: readonly string[],
  options: { log: string; cwd?: string; env?: NodeJS.ProcessEnv },
): void {
  const log = openSync(options.log, 'a');
  const { cwd = '/', env = process.env } = options;
  const child: ChildProcess = spawn(command[0] as string, command.slice(1), {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', log, log],
  });
  child.on('error', () => {}); // its log, or its absence, tells
  child.unref();
  closeSync(log);
}

/** A shell that starts the command again whenever it ends. */
export function forever(command: readonly string[]): string[] {
  const loop = 'while :; do "$@"; echo "$1: ended with status $?, starts again" >&2; sleep 0.5; done';
  return ['sh', '-c', loop, 'sh', ...command];
}
