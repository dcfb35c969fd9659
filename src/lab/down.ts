/**
 * Removes the lab, whatever is left of it: found by the names of its namespaces and by who lives in them, not by what
 * `up` managed to write down.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CalicoError } from '../errors/index.ts';
import { run } from './namespace.ts';
import { DIRECTORY } from './paths.ts';
import { labNamespaces, NETNS, processesIn } from './processes.ts';
import { findState } from './state.ts';

const PATIENCE_MS = 10_000;

/** Resolves to the number of namespaces removed. Removing nothing is no error. */
export async function down(): Promise<number> {
  if (process.getuid?.() !== 0) throw new CalicoError('E_USAGE', 'calico lab', 'needs root', { hint: 'try sudo' });
  const state = findState();
  await stopUp(state?.upPid ?? null);
  const removed = new Set<string>();
  // A program that an interrupted `up` started may still be adding to it: until nothing is found any more.
  for (let namespaces = labNamespaces(); namespaces.length > 0; namespaces = labNamespaces()) {
    await killAll(namespaces);
    await run(['ip', '-force', '-batch', '-'], namespaces.map((name) => `netns del ${name}`).join('\n')).catch(
      () => {},
    );
    for (const name of namespaces) removed.add(name);
  }
  rmSync(DIRECTORY, { recursive: true, force: true });
  if (state?.mountedNetns) unmountNetns();
  return removed.size;
}

export function netnsIsMounted(): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${NETNS} `);
}

async function stopUp(pid: number | null): Promise<void> {
  if (pid === null || pid === process.pid || !isUp(pid)) return;
  process.kill(pid, 'SIGKILL');
  for (const end = Date.now() + PATIENCE_MS; isUp(pid) && Date.now() < end; ) await sleep(10);
}

/** Is this process a `calico lab`? Its number may belong to another by now. */
function isUp(pid: number): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return command.includes('lab') && command.some((word) => /calico|main\.ts/.test(word));
  } catch {
    return false;
  }
}

async function killAll(namespaces: readonly string[]): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(10)) {
    const pids = [...processesIn(namespaces).values()].flat();
    if (pids.length === 0) return;
    if (Date.now() > end) throw new CalicoError('E_KERNEL', `processes ${pids.join(' ')}`, 'do not end');
    for (const pid of pids) kill(pid);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended by itself
  }
}

/** Only where nobody else uses it meanwhile. */
function unmountNetns(): void {
  if (!netnsIsMounted() || readdirSync(NETNS).length > 0) return;
  execFileSync('umount', [NETNS]);
  rmdirSync(NETNS);
}
