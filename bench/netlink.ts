/**
 * Routes and set members a second, by the drivers, in a network namespace of their own. Prints JSON lines.
 *
 *     node bench/netlink.ts [COUNT]
 *
 * `kernel` is the part that is netlink alone: encoding, system calls, the kernel's own work, answers.
 */
import koffi from 'koffi';
import { IpSetDriver } from '../src/drivers/ipset/index.ts';
import { LinkTable } from '../src/drivers/links/index.ts';
import { type Route, RouteDriver } from '../src/drivers/routes/index.ts';
import {
  dumpRoutes,
  encodeLinkChange,
  encodeRouteDelete,
  encodeRouteReplace,
  NETLINK_NETFILTER,
  NETLINK_ROUTE,
  NetlinkSocket,
} from '../src/kernel/index.ts';
import { cidr } from '../src/net/index.ts';

const CLONE_NEWNET = 0x40000000;
const count = Number(process.argv[2] ?? 50_000);

function timed<T>(what: string, operations: number, work: () => T): T {
  const start = performance.now();
  const result = work();
  const ms = performance.now() - start;
  console.log(
    JSON.stringify({
      bench: 'netlink',
      what,
      operations,
      ms: Math.round(ms),
      per_s: Math.round((operations / ms) * 1000),
    }),
  );
  return result;
}

const unshare = koffi.load(null).func('int unshare(int flags)') as (flags: number) => number;
if (unshare(CLONE_NEWNET) !== 0) throw new Error('bench/netlink needs root');

const clock = (): number => performance.now();
const socket = new NetlinkSocket(NETLINK_ROUTE);
const links = new LinkTable(socket);
links.resync();
const lo = links.byName('lo')!;
socket.request((w) => encodeLinkChange(w, lo.index, { up: true }));
links.resync();

const hosts = Array.from({ length: count }, (_, i) => `10.${64 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}/32`);
const wanted: Route[] = hosts.map((dst) => ({ dst: cidr(dst), device: 'lo' }));
const routes = new RouteDriver({ socket, links, families: [4], ownsInterface: (name) => name === 'lo', clock });
timed('routes desired', count, () => {
  for (const route of wanted) routes.setDesired(route);
});
timed('routes added', count, () => routes.apply());
timed('routes read and compared', count, () => routes.resync());
timed('one route changed', 1, () => {
  routes.removeDesired(wanted[0]!);
  routes.apply();
});
const present = dumpRoutes(socket, 4, 254);
timed('routes replaced, kernel', present.length, () => socket.batch(present, encodeRouteReplace));
timed('routes deleted, kernel', present.length, () => socket.batch(present, encodeRouteDelete));

const sets = new IpSetDriver({ socket: new NetlinkSocket(NETLINK_NETFILTER), clock });
const set = { name: 'cali40s:bench', type: 'hash:net', family: 4 } as const;
timed('set members desired', count, () => sets.setDesired(set, hosts));
timed('set members added', count, () => sets.apply());
timed('set members read and compared', count, () => {
  sets.resync();
  sets.apply();
});
timed('one member changed', 1, () => {
  sets.removeMembers(set.name, [hosts[0]!]);
  sets.apply();
});
timed('set members removed', count - 1, () => {
  sets.setDesired(set, []);
  sets.apply();
});
timed('1,000 sets made and filled', 1000, () => {
  for (let i = 0; i < 1000; i++) sets.setDesired({ ...set, name: `cali40s:${i}` }, [hosts[i]!]);
  sets.apply();
});
timed('1,000 sets removed', 1000, () => {
  for (let i = 0; i < 1000; i++) sets.removeDesired(`cali40s:${i}`);
  sets.apply();
});
