/**
 * 5,000 blocks of other hosts appear and go: from what the watch delivers, as it is stored, to the last route in the kernel,
 * in a network namespace of its own. Prints JSON lines.
 *
 *     node bench/blocks.ts [COUNT]
 *
 * `kernel` is the floor: the same routes by netlink alone. `cpu_ms` says how long it takes on a machine that is idle.
 */
import koffi from 'koffi';
import { CalcGraph } from '../src/calc/index.ts';
import { node, pool, put } from '../src/calc/testing/resources.ts';
import { decode } from '../src/datastore/decode/index.ts';
import {
  dumpRoutes,
  encodeRouteDelete,
  encodeRouteReplace,
  exec,
  NETLINK_ROUTE,
  NetlinkSocket,
  TABLE_MAIN,
} from '../src/kernel/index.ts';
import type { Update } from '../src/model/index.ts';
import { BOTH_FAMILIES } from '../test/random/fake-host.ts';
import { NamespaceHost } from '../test/system/namespace-host.ts';

const CLONE_NEWNET = 0x40000000;
const HOSTS = 500;
const count = Number(process.argv[2] ?? 5000);

const unshare = koffi.load(null).func('int unshare(int flags)') as (flags: number) => number;
if (unshare(CLONE_NEWNET) !== 0) throw new Error('bench/blocks needs root');

function stopwatch(what: string): () => void {
  const start = performance.now();
  const cpu = process.cpuUsage();
  return () => {
    const ms = Math.round(performance.now() - start);
    const { user, system } = process.cpuUsage(cpu);
    const cpuMs = Math.round((user + system) / 1000);
    console.log(JSON.stringify({ bench: 'blocks', what, operations: count, ms, cpu_ms: cpuMs }));
  };
}

const nodes = Array.from({ length: HOSTS }, (_, i) =>
  node(`n${i}`, `172.30.${i >> 7}.${(i & 127) + 20}/16`, `10.81.${i >> 7}.${i & 127}`),
);
/** As etcd has them. */
const stored = Array.from({ length: count }, (_, i) => {
  const cidr = `10.${82 + (i >> 10)}.${(i >> 2) & 255}.${(i & 3) << 6}/26`;
  const allocations = new Array<number | null>(64).fill(null);
  const unallocated = allocations.map((_, ordinal) => ordinal);
  const value = { cidr, affinity: `host:n${i % HOSTS}`, allocations, unallocated, attributes: [], deleted: false };
  return [`/calico/ipam/v2/assignment/ipv4/block/${cidr.replace('/', '-')}`, JSON.stringify(value)] as const;
});

for (const args of [
  'link add eth0 type veth peer name outside',
  'link set outside up',
  'link set eth0 up',
  'addr add 172.30.0.11/16 dev eth0',
  'link set lo up',
])
  await exec('ip', args.split(' '));

const socket = new NetlinkSocket(NETLINK_ROUTE);
const routes = () => dumpRoutes(socket, 4, TABLE_MAIN).filter(({ dst }) => dst.endsWith('/26'));
const graph = new CalcGraph({ node: 'h1' });
graph.onUpdates(
  [pool('10.80.0.0/12', { vxlan: 'always' }), node('h1', '172.30.0.11/16', '10.80.1.0'), ...nodes].map(put),
);
const host = await NamespaceHost.start({ ...BOTH_FAMILIES, encapsulations: { vxlan4: 'by pools' } }, graph, 0);
await reached(() => host.rounds > 2);

async function reached(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

async function timed(what: string, updates: () => readonly Update[]): Promise<void> {
  const wanted = host.operations + count;
  const done = stopwatch(what);
  host.update(...updates());
  await reached(() => host.operations >= wanted);
  done();
}

const decoded = () => stored.map(([key, value]) => decode(key, value) as Update);
await timed('blocks appear, routes added', decoded);
const present = routes();
if (present.length !== count) throw new Error(`${present.length} routes of ${count}`);
const gone = decoded().map(({ id }) => ({ id, value: null }) as Update);
await timed('blocks go, routes deleted', () => gone);
if (routes().length !== 0) throw new Error('routes are left');
await host.close();

for (const [what, encode] of [
  ['routes added, kernel', encodeRouteReplace],
  ['routes deleted, kernel', encodeRouteDelete],
] as const) {
  const done = stopwatch(what);
  socket.batch(present, encode);
  done();
}
process.exit(0);
