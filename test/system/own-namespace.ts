/** A network namespace for the process of one test file: nothing in it is anybody else's, and it ends with the process. */
import { execFileSync } from 'node:child_process';
import { isMainThread } from 'node:worker_threads';
import koffi from 'koffi';

const CLONE_NEWNET = 0x40000000;

/**
 * Call it first of all. Programs and threads started afterwards are in the namespace, too. Namespaces are per thread, so
 * asynchronous file operations (which run on others) would still see the old one's /proc/sys: use synchronous ones.
 */
export function enterOwnNamespace(): void {
  if (!isMainThread) throw new Error('needs a process of its own: vitest pool "forks"');
  const unshare = koffi.load(null).func('int unshare(int flags)') as (flags: number) => number;
  if (unshare(CLONE_NEWNET) !== 0) throw new Error(`unshare: errno ${koffi.errno()}; root is needed`);
  sh('ip link set lo up');
}

/** Runs a shell command and returns what it prints. */
export function sh(command: string): string {
  return execFileSync('sh', ['-ec', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
