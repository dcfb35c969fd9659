/** Races of many processes for few addresses on one etcd, some of which are killed; and what has to hold afterwards. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { expect } from 'vitest';
import { EtcdStore } from '../../src/datastore/etcd/store.ts';
import { RESOURCES } from '../../src/datastore/keys.ts';
import { applyFix, check, Ipam, planFix, readSnapshot } from '../../src/ipam/index.ts';
import type { Etcd } from './datastore-etcd.ts';

const PROCESSES = 20;
const KILLED = 7;
const OPERATIONS = 15;
/** Prefix lengths of the blocks of the /26 and the /28: from blocks that all have to share to blocks of few addresses. */
const SHAPES = [
  [26, 28],
  [29, 30],
  [28, 32],
] as const;

/** The racer as one file: 20 of them start sooner. */
export function buildRacer(directory: string): string {
  const outfile = join(directory, 'racer.mjs');
  buildSync({
    entryPoints: [new URL('ipam-racer.ts', import.meta.url).pathname],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'error',
  });
  return outfile;
}

/** One race in an empty datastore. */
export async function race(etcd: Etcd, racer: string, round: number): Promise<void> {
  etcd.ctl('del', '--prefix', '/calico/');
  const hosts = Array.from({ length: PROCESSES }, (_, i) => `n${i}`);
  await using(etcd, (store) => furnish(store, hosts, SHAPES[round % SHAPES.length] as (typeof SHAPES)[number]));
  const ledger = join(etcd.directory, `ledger-${round}`);
  writeFileSync(ledger, '');
  await run(etcd, racer, hosts, ledger);
  await using(etcd, (store) => settle(store, heldByLedger(readFileSync(ledger, 'utf8'))));
}

async function using(etcd: Etcd, action: (store: EtcdStore) => Promise<void>): Promise<void> {
  const store = new EtcdStore({ endpoints: [etcd.endpoint], timeout: 60_000 });
  try {
    await action(store);
  } finally {
    await store.close();
  }
}

async function furnish(store: EtcdStore, hosts: readonly string[], [larger, smaller]: readonly [number, number]) {
  const put = (plural: string, name: string, kind: string, spec: object) =>
    store.put(`${RESOURCES}${plural}/${name}`, JSON.stringify({ kind, metadata: { name }, spec }));
  await put('ippools', 'larger', 'IPPool', { cidr: '10.0.0.0/26', blockSize: larger, nodeSelector: 'all()' });
  await put('ippools', 'smaller', 'IPPool', { cidr: '10.1.0.0/28', blockSize: smaller, nodeSelector: 'all()' });
  for (const host of hosts) await put('nodes', host, 'Node', {});
}

/** All start at once; some are killed, each at a moment of its own. */
async function run(etcd: Etcd, racer: string, hosts: readonly string[], ledger: string): Promise<void> {
  const racers = hosts.map((host) => {
    const args = [racer, etcd.endpoint, host, ledger, String(OPERATIONS)];
    return spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  });
  const ends = racers.map(ended);
  try {
    const ready = racers.map((racer) => new Promise((resolve) => racer.stdout.once('data', resolve)));
    await Promise.all(ready.map((one, i) => Promise.race([one, ends[i]])));
    for (const racer of racers) racer.stdin.write('go\n');
    for (const racer of racers.slice(0, KILLED)) setTimeout(() => racer.kill('SIGKILL'), 50 + Math.random() * 1500);
    const failures = (await Promise.all(ends)).filter((error) => error !== null);
    expect(failures).toEqual([]);
  } finally {
    for (const racer of racers) racer.kill('SIGKILL');
    await Promise.all(ends);
  }
}

/** Null where it came to its end or was killed; else what it said. */
function ended(racer: ChildProcess): Promise<string | null> {
  let said = '';
  racer.stderr?.on('data', (text) => {
    said += text;
  });
  return new Promise((resolve) => racer.once('close', (code) => resolve(code === 0 || code === null ? null : said)));
}

/** Address → host, in the end. No address is given while somebody has it. */
function heldByLedger(ledger: string): Map<string, string> {
  const held = new Map<string, string>();
  for (const line of ledger.split('\n').filter(Boolean)) {
    const [address, host] = line.slice(1).split(' ') as [string, string];
    if (line.startsWith('+')) {
      expect(held.get(address), `${address} given to ${host} while another has it`).toBeUndefined();
      held.set(address, host);
    } else held.delete(address);
  }
  return held;
}

/** What the ledger says is held is given; what the killed left is found, released, and can be given again: none is lost. */
async function settle(store: EtcdStore, held: ReadonlyMap<string, string>): Promise<void> {
  const report = check(await readSnapshot(store));
  const inconsistent = report.problems.filter(({ kind }) => kind !== 'unused');
  expect(inconsistent).toEqual([]);
  const given = new Set<string>(report.given.map(({ address }) => address));
  expect([...held.keys()].filter((address) => !given.has(address))).toEqual([]);
  await applyFix(store, planFix(report, { limit: KILLED }));
  const after = check(await readSnapshot(store));
  expect(after.problems).toEqual([]);
  const used = new Set(report.given.filter(({ usedBy }) => usedBy.length > 0).map(({ address }) => address));
  expect(new Set(after.given.map(({ address }) => address))).toEqual(used);
  const free = 64 + 16 - used.size;
  const rest = await new Ipam(store).autoAssign({ host: 'n0', handle: 'rest', family: 4, count: 100 });
  expect(rest.assignments).toHaveLength(free);
  expect(rest.assignments.filter(({ address }) => used.has(address))).toEqual([]);
  expect(rest.shortage?.code).toBe('E_EXHAUSTED');
}
