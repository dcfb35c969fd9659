/** When the kernels of a lab have come to rest. */
import { type KernelState, readKernel } from './kernel-state.ts';
import type { Programs } from './programs.ts';
import type { Topology } from './topology.ts';

const QUIET = 1000; // ms without a change in any host's kernel

/**
 * Waits at least so many seconds, until every Felix is ready and no host's kernel has changed for a while. Resolves to
 * what each host's kernel holds then.
 */
export async function settle(
  topology: Topology,
  programs: Programs,
  seconds = 0,
): Promise<ReadonlyMap<string, KernelState>> {
  const started = Date.now();
  let last = '';
  let changed = started;
  for (;;) {
    const states = topology.hosts().map((host) => [host, readKernel(topology.namespace(host))] as const);
    const now = JSON.stringify(states);
    const ready = !programs.etcdRunning() || (await programs.allReady());
    if (now !== last || !ready) changed = Date.now();
    last = now;
    if (Date.now() - changed > QUIET && Date.now() - started > 1000 * seconds) return new Map(states);
    if (Date.now() - started > 1000 * (seconds + 90)) throw new Error('the kernel does not come to rest');
    await sleep(100);
  }
}

const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));
