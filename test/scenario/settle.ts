/** When the kernels of a lab have come to rest. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { Programs } from './programs.ts';
import type { Topology } from './topology.ts';

const QUIET = 1500; // ms without a change in any host's kernel

/** Waits at least so many seconds, until every Felix is ready and no host's kernel state has changed for a while. */
export async function settle(topology: Topology, programs: Programs, seconds = 0): Promise<void> {
  const started = Date.now();
  let last = '';
  let changed = started;
  for (;;) {
    const now = fingerprint(topology);
    const ready = !programs.etcdRunning() || (await programs.allReady());
    if (now !== last || !ready) changed = Date.now();
    last = now;
    if (Date.now() - changed > QUIET && Date.now() - started > 1000 * seconds) return;
    if (Date.now() - started > 1000 * (seconds + 90)) throw new Error('the kernel does not come to rest');
    await sleep(150);
  }
}

function fingerprint(topology: Topology): string {
  const script =
    'iptables-legacy-save; ip6tables-legacy-save; iptables-nft-save; ip6tables-nft-save; ipset save;' +
    ' ip -4 route show table all; ip -6 route show table all; ip neigh show nud permanent';
  const hash = createHash('sha1');
  for (const host of topology.hosts()) {
    const text = execFileSync('ip', ['netns', 'exec', topology.namespace(host), 'sh', '-c', script], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 1 << 28,
    });
    hash.update(text.replace(/^#.*|\[\d+:\d+\]| expires \S+| age \S+/gm, ''));
  }
  return hash.digest('hex');
}

const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));
