// Routes, links, neighbours, sysctls and notifications, with the ip program as the oracle.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { LinkDriver, LinkTable } from '../../src/drivers/links/index.ts';
import { NeighbourDriver } from '../../src/drivers/neighbours/index.ts';
import { type Route, RouteDriver, type RouteDriverOptions } from '../../src/drivers/routes/index.ts';
import { SysctlDriver } from '../../src/drivers/sysctl/index.ts';
import { type KernelEvent, KernelEvents, NETLINK_ROUTE, NetlinkSocket } from '../../src/kernel/index.ts';
import { cidr, ip } from '../../src/net/index.ts';
import { enterOwnNamespace, sh } from './own-namespace.ts';

let socket: NetlinkSocket;
let links: LinkTable;
let routes: RouteDriver;
let now = 0;
const clock = () => now;
const ownsInterface = (name: string) => name.startsWith('cali');
const NONE = { operations: 0, errors: new Map(), retryAt: null };

beforeAll(() => {
  enterOwnNamespace();
  socket = new NetlinkSocket(NETLINK_ROUTE);
});
afterAll(() => socket.close());
beforeEach(() => {
  now = 0;
  sh('ip link add eth0 type bridge; ip link add peer type veth peer name ethx; ip link set ethx master eth0');
  sh('ip addr add 172.30.0.11/24 dev eth0; ip -6 addr add fd00:30::11/64 dev eth0 nodad');
  sh('for i in eth0 peer ethx; do ip link set $i up; done');
  plug('cali1');
  plug('cali2');
  start();
});
afterEach(() => {
  sh('for i in eth0 peer cali1 cali2 cali3; do ip link del $i 2>/dev/null || true; done');
  sh('for t in 77 777; do ip route flush table $t; done 2>/dev/null; ip route flush type blackhole || true');
  sh('ip -6 route flush type unreachable || true');
});

/** Until it has its carrier: routes wait for that, and these tests do not follow links by notification. */
function plug(name: string): void {
  sh(`ip link add ${name} type veth peer name w${name}; ip link set ${name} up; ip link set w${name} up`);
  sh(`for i in $(seq 200); do ip link show ${name} | grep -q LOWER_UP && break; sleep 0.01; done`);
}

/** A Felix that starts: it has read nothing but the kernel. */
function start(options: Partial<RouteDriverOptions> = {}): void {
  links = new LinkTable(socket);
  links.resync();
  routes = new RouteDriver({ socket, links, families: [4, 6], ownsInterface, clock, ...options });
  routes.resync();
}

/** As the recorded routes.txt: no addresses of the kernel's own making. */
function ipRoutes(): string[] {
  const both = ['-4', '-6'].flatMap((version) =>
    sh(`ip ${version} route show table all`)
      .split('\n')
      .filter(
        (line) => line && !/^(local|broadcast|multicast|anycast|fe80::|ff00::)|table local|proto kernel/.test(line),
      )
      .map((line) => `${version} ${line.replace(/ (pref medium|linkdown|dead)/g, '').trim()}`),
  );
  return both.sort();
}

const workload = (n: number, device: string): Route => ({ dst: cidr(`10.65.0.${n}/32`), device });

describe('routes', () => {
  test('are printed by ip as upstream’s are', () => {
    const wanted: Route[] = [
      workload(1, 'cali1'),
      { dst: cidr('fd00:65::1/128'), device: 'cali1' },
      { dst: cidr('10.80.2.0/26'), device: 'eth0', gateway: ip('10.80.2.0'), onlink: true },
      { dst: cidr('10.81.0.0/26'), device: 'eth0', gateway: ip('172.30.0.12'), protocol: 80, metric: 7, mtu: 1400 },
      { dst: cidr('10.82.0.0/26'), type: 'blackhole', protocol: 80 },
      { dst: cidr('fd00:82::/64'), type: 'unreachable' },
      { dst: cidr('10.83.0.0/26'), device: 'eth0', source: ip('172.30.0.11'), table: 77 },
      { dst: cidr('fd00:83::/64'), device: 'eth0', gateway: ip('fd00:30::12'), metric: 5 },
      { dst: cidr('0.0.0.0/0'), device: 'eth0', gateway: ip('172.30.0.1'), table: 777 },
    ];
    for (const route of wanted) routes.setDesired(route);
    expect(routes.apply()).toEqual({ ...NONE, operations: 9, released: [] });
    expect(ipRoutes()).toEqual([
      '-4 10.65.0.1 dev cali1 scope link',
      '-4 10.80.2.0/26 via 10.80.2.0 dev eth0 onlink',
      '-4 10.81.0.0/26 via 172.30.0.12 dev eth0 proto 80 metric 7 mtu 1400',
      '-4 10.83.0.0/26 dev eth0 table 77 scope link src 172.30.0.11',
      '-4 blackhole 10.82.0.0/26 proto 80',
      '-4 default via 172.30.0.1 dev eth0 table 777',
      '-6 fd00:65::1 dev cali1 metric 1024',
      '-6 fd00:83::/64 via fd00:30::12 dev eth0 metric 5',
      '-6 unreachable fd00:82::/64 dev lo metric 1024',
    ]);
    start({ tables: [254, 77, 777], ownsProtocol: (protocol) => protocol === 80 });
    for (const route of wanted) routes.setDesired(route);
    routes.resync();
    expect(routes.apply()).toEqual({ ...NONE, released: [] });
    for (const route of wanted) routes.removeDesired(route);
    expect(routes.apply()).toMatchObject({ operations: 9, errors: new Map() });
    expect(ipRoutes()).toEqual([]);
  });

  test('one route is one operation, whatever exists', () => {
    for (let i = 0; i < 2000; i++) routes.setDesired({ dst: cidr(`10.66.${i >> 8}.${i & 255}/32`), device: 'cali1' });
    expect(routes.apply().operations).toBe(2000);
    expect(ipRoutes().length).toBe(2000);
    const before = socket.requests;
    routes.setDesired(workload(1, 'cali2'));
    expect(routes.apply().operations).toBe(1);
    routes.setDesired(workload(1, 'cali2'));
    expect(routes.apply().operations).toBe(0);
    routes.removeDesired(workload(1, 'cali2'));
    expect(routes.apply().operations).toBe(1);
    expect(socket.requests - before).toBe(2);
  });

  test('a workload that moves has its route replaced in one step, and its old connections are over', () => {
    routes.setDesired(workload(1, 'cali1'));
    routes.apply();
    routes.setDesired(workload(1, 'cali2'));
    expect(routes.apply()).toEqual({ ...NONE, operations: 1, released: ['10.65.0.1/32'] });
    expect(ipRoutes()).toEqual(['-4 10.65.0.1 dev cali2 scope link']);
    routes.removeDesired(workload(1, 'cali2'));
    expect(routes.apply()).toEqual({ ...NONE, operations: 1, released: ['10.65.0.1/32'] });
    expect(ipRoutes()).toEqual([]);
  });

  test('take the place of a foreign route to the same destination', () => {
    sh('ip route add 10.65.0.1 via 172.30.0.12 proto bird');
    start();
    routes.setDesired(workload(1, 'cali1'));
    expect(routes.apply()).toEqual({ ...NONE, operations: 1, released: [] });
    expect(ipRoutes()).toEqual(['-4 10.65.0.1 dev cali1 scope link']);
  });

  test('unexpected ones on our interfaces go after the grace time; elsewhere nothing is touched', () => {
    sh(
      'ip route add 10.65.0.8 dev cali1; ip -6 route add fd00:65::8 dev cali1; ip route add 10.65.0.9 via 172.30.0.12',
    );
    sh('ip route add 10.65.0.1 dev cali1; ip addr add 10.65.7.1/24 dev cali2');
    start();
    routes.setDesired(workload(1, 'cali1'));
    expect(routes.apply()).toEqual({ ...NONE, retryAt: 10_000, released: [] });
    now = 9_999;
    expect(routes.apply().operations).toBe(0);
    now = 10_000;
    expect(routes.apply()).toEqual({ ...NONE, operations: 2, released: ['10.65.0.8/32', 'fd00:65::8/128'] });
    expect(ipRoutes()).toEqual(['-4 10.65.0.1 dev cali1 scope link', '-4 10.65.0.9 via 172.30.0.12 dev eth0']);
    expect(sh('ip route show dev cali2')).toContain('10.65.7.0/24 proto kernel');
  });

  test('a stranger that becomes desired within the grace time is taken over', () => {
    sh('ip route add 10.65.0.1 dev cali1');
    start();
    expect(routes.apply().retryAt).toBe(10_000);
    routes.setDesired(workload(1, 'cali1'));
    expect(routes.apply()).toEqual({ ...NONE, released: [] });
    now = 20_000;
    expect(routes.apply()).toEqual({ ...NONE, released: [] });
    expect(ipRoutes()).toEqual(['-4 10.65.0.1 dev cali1 scope link']);
  });

  test('external routes on our interfaces stay when they are to', () => {
    sh('ip route add 10.65.0.8 dev cali1 proto static; ip route add 10.65.0.9 dev cali1');
    now = 50_000;
    start({ removeExternal: (protocol) => protocol === 3, graceMs: 0 });
    routes.apply();
    expect(ipRoutes()).toEqual(['-4 10.65.0.8 dev cali1 proto static scope link']);
  });

  test('one that the kernel refuses is reported and tried again later, and the others are there', () => {
    routes.setDesired({ dst: cidr('10.81.0.0/26'), device: 'eth0', gateway: ip('192.0.2.1') });
    routes.setDesired(workload(1, 'cali1'));
    const { errors, retryAt } = routes.apply();
    expect([...errors].map(([key, error]) => `${key} | ${error}`)).toEqual([
      '10.81.0.0/26 | E_KERNEL 10.81.0.0/26: cannot add the route: ENETUNREACH: Nexthop has invalid gateway',
    ]);
    expect(retryAt).toBe(100);
    expect(routes.apply().operations).toBe(0);
    sh('ip addr add 192.0.2.2/24 dev eth0');
    now = 100;
    expect(routes.apply()).toEqual({ ...NONE, operations: 1, released: [] });
    expect(ipRoutes().length).toBe(2);
  });
});

describe('notifications', () => {
  let events: KernelEvents;
  let seen: KernelEvent[];
  const fail = (error: Error) => {
    throw error;
  };
  beforeEach(() => {
    seen = [];
    const onEvents = (list: readonly KernelEvent[]) => {
      seen.push(...list);
      for (const event of list) {
        links.handle(event);
        routes.handle(event);
      }
    };
    events = new KernelEvents({ ownPort: socket.port, onEvents, onError: fail });
  });
  afterEach(() => events.close());

  async function until(what: () => boolean): Promise<void> {
    for (let i = 0; i < 500 && !what(); i++) await sleep(10);
    expect(what()).toBe(true);
  }

  test('a route waits for its interface, and comes back with it', async () => {
    routes.setDesired(workload(1, 'cali3'));
    expect(routes.apply()).toEqual({ ...NONE, released: [] });
    plug('cali3');
    await until(() => links.byName('cali3')?.running === true);
    expect(routes.apply().operations).toBe(1);
    sh('ip link set cali3 down; ip link set cali3 up');
    await until(() => seen.filter((e) => e.type === 'link' && e.link.name === 'cali3' && !e.link.up).length > 1);
    await until(() => links.byName('cali3')?.running === true);
    expect(ipRoutes()).toEqual([]);
    expect(routes.apply().operations).toBe(1);
    expect(ipRoutes()).toEqual(['-4 10.65.0.1 dev cali3 scope link']);
    sh('ip link del cali3');
    await until(() => links.byName('cali3') === undefined);
    expect(routes.apply()).toEqual({ ...NONE, released: [] });
    routes.removeDesired(workload(1, 'cali3'));
    expect(routes.apply()).toEqual({ ...NONE, released: ['10.65.0.1/32'] });
  });

  test('an interface that is made again under the same name gets its route again', async () => {
    plug('cali3');
    start();
    routes.setDesired(workload(1, 'cali3'));
    routes.apply();
    const old = links.byName('cali3')?.index;
    sh('ip link del cali3');
    plug('cali3');
    await until(() => links.byName('cali3')?.running === true && links.byName('cali3')?.index !== old);
    expect(routes.apply().operations).toBe(1);
    expect(ipRoutes()).toEqual(['-4 10.65.0.1 dev cali3 scope link']);
  });

  test('what others do to our routes is mended, and our own changes are not told', async () => {
    start({ graceMs: 0 });
    routes.setDesired(workload(1, 'cali1'));
    routes.setDesired({ dst: cidr('fd00:65::1/128'), device: 'cali1' });
    routes.apply();
    sh('ip route del 10.65.0.1; ip route add 10.65.0.7 dev cali1; ip route replace fd00:65::1 dev cali2');
    sh('ip route add 10.65.0.6 via 172.30.0.12');
    await until(() => seen.some((e) => e.type === 'route' && e.route.dst === '10.65.0.6/32'));
    expect(routes.apply().operations).toBe(3);
    expect(ipRoutes()).toEqual([
      '-4 10.65.0.1 dev cali1 scope link',
      '-4 10.65.0.6 via 172.30.0.12 dev eth0',
      '-6 fd00:65::1 dev cali1 metric 1024',
    ]);
    const told = seen.flatMap((e) =>
      e.type === 'route' || e.type === 'route-gone' ? [`${e.type} ${e.route.dst}`] : [],
    );
    await sleep(50);
    expect(told.filter((line) => line.includes('65'))).toEqual([
      'route-gone 10.65.0.1/32',
      'route 10.65.0.7/32',
      'route fd00:65::1/128',
      'route 10.65.0.6/32',
    ]);
  });

  test('links and addresses are followed', async () => {
    let told = 0;
    links.onAddress(() => told++);
    sh('ip addr add 172.30.0.99/24 dev eth0; ip link set cali1 mtu 1400; ip link set cali2 down');
    sh('ip link set cali2 name cali3; ip link set cali3 up');
    await until(() => links.byName('cali3')?.running === true);
    expect(links.byName('cali2')).toBeUndefined();
    expect(links.byName('cali1')).toMatchObject({ mtu: 1400, up: true, kind: 'veth' });
    expect([...links.addresses()].map((a) => a.address)).toContain('172.30.0.99');
    expect(told).toBeGreaterThan(0);
    sh('ip addr del 172.30.0.99/24 dev eth0');
    await until(() => ![...links.addresses()].some((a) => a.address === '172.30.0.99'));
    const fresh = new LinkTable(socket);
    fresh.resync();
    const byIndex = (table: LinkTable) => [...table.links()].sort((a, b) => a.index - b.index);
    expect(byIndex(links)).toEqual(byIndex(fresh));
  });

  test('an overrun is told', async () => {
    await events.close();
    const onEvents = (list: readonly KernelEvent[]) => void seen.push(...list);
    events = new KernelEvents({ onEvents, onError: fail, receiveBytes: 10_000, unreadLimit: 10_000 });
    for (let i = 0; i < 1000; i++) routes.setDesired({ dst: cidr(`10.66.${i >> 8}.${i & 255}/32`), device: 'cali1' });
    // The main thread is busy meanwhile, so the worker stops reading after a while and the kernel's buffer overflows.
    routes.apply();
    await until(() => seen.some((e) => e.type === 'overrun'));
  });
});

describe('links', () => {
  test('are switched on and given an MTU, and only if they are not', () => {
    sh('ip link set cali1 down');
    links.resync();
    const driver = new LinkDriver({ socket, links, clock });
    driver.setDesired('cali1', { up: true, mtu: 1400 });
    driver.setDesired('cali2', { up: true });
    driver.setDesired('cali9', { up: true });
    expect(driver.apply()).toEqual({ ...NONE, operations: 1 });
    links.resync();
    expect(links.byName('cali1')).toMatchObject({ up: true, mtu: 1400 });
    expect(driver.apply()).toEqual(NONE);
    sh('ip link set cali2 down');
    links.resync();
    expect(driver.apply().operations).toBe(1);
    expect(sh('ip link show cali2')).toContain(',UP');
  });
});

describe('neighbours', () => {
  const entries = () =>
    sh('ip neigh show nud permanent; ip neigh show proxy')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line && !line.startsWith('ff'));

  test('permanent and proxy entries are there, and only those', () => {
    sh(
      'ip neigh add 10.65.0.7 dev cali1 lladdr 02:00:00:00:00:07; ip neigh add 172.30.0.9 dev eth0 lladdr 02:00:00:00:00:09',
    );
    const driver = new NeighbourDriver({ socket, links, families: [4, 6], ownsInterface, clock });
    driver.resync();
    driver.setDesired({ device: 'cali1', address: ip('10.65.0.1'), mac: '02:00:00:00:00:01' });
    driver.setDesired({ device: 'cali2', address: ip('fd00:65::2'), mac: '02:00:00:00:00:02' });
    driver.setDesired({ device: 'cali2', address: ip('fd00:65::1'), proxy: true });
    driver.setDesired({ device: 'cali9', address: ip('10.65.0.9'), mac: '02:00:00:00:00:09' });
    expect(driver.apply()).toEqual({ ...NONE, operations: 4 });
    expect(entries().sort()).toEqual([
      '10.65.0.1 dev cali1 lladdr 02:00:00:00:00:01 PERMANENT',
      '172.30.0.9 dev eth0 lladdr 02:00:00:00:00:09 PERMANENT',
      'fd00:65::1 dev cali2 proxy',
      'fd00:65::2 dev cali2 lladdr 02:00:00:00:00:02 PERMANENT',
    ]);
    driver.setDesired({ device: 'cali1', address: ip('10.65.0.1'), mac: '02:00:00:00:00:11' });
    driver.removeDesired({ device: 'cali2', address: ip('fd00:65::2') });
    expect(driver.apply()).toEqual({ ...NONE, operations: 2 });
    const second = new NeighbourDriver({ socket, links, families: [4, 6], ownsInterface, clock });
    second.resync();
    second.setDesired({ device: 'cali1', address: ip('10.65.0.1'), mac: '02:00:00:00:00:11' });
    second.setDesired({ device: 'cali2', address: ip('fd00:65::1'), proxy: true });
    expect(second.apply()).toEqual(NONE);
    second.removeDesired({ device: 'cali2', address: ip('fd00:65::1'), proxy: true });
    expect(second.apply().operations).toBe(1);
    expect(entries().sort()).toEqual([
      '10.65.0.1 dev cali1 lladdr 02:00:00:00:00:11 PERMANENT',
      '172.30.0.9 dev eth0 lladdr 02:00:00:00:00:09 PERMANENT',
    ]);
  });
});

describe('sysctls', () => {
  test('are written when they differ, and wait for an interface that is not there', () => {
    const driver = new SysctlDriver({ clock });
    const wanted = { 'net/ipv4/conf/cali1/proxy_arp': '1', 'net/ipv4/conf/cali1/forwarding': '1' };
    driver.setDesired('cali1', wanted);
    driver.setDesired('host', { 'net/ipv4/ip_forward': '0' });
    driver.setDesired('cali9', { 'net/ipv4/conf/cali9/proxy_arp': '1' });
    expect(driver.apply()).toEqual({ operations: 3, retryAt: 100, errors: new Map() });
    expect(driver.failuresOf('cali9')).toEqual([]);
    expect(sh('cat /proc/sys/net/ipv4/conf/cali1/proxy_arp /proc/sys/net/ipv4/conf/cali1/forwarding')).toBe('1\n1\n');
    driver.removeDesired('cali9');
    expect(driver.apply()).toEqual(NONE);
    sh('ip link del cali1');
    plug('cali1');
    driver.setDesired('cali1', wanted);
    expect(driver.apply().operations).toBe(2);
    sh('echo 0 > /proc/sys/net/ipv4/conf/cali1/proxy_arp');
    driver.resync();
    expect(driver.apply().operations).toBe(1);
    expect(sh('cat /proc/sys/net/ipv4/conf/cali1/proxy_arp')).toBe('1\n');
  });
});
