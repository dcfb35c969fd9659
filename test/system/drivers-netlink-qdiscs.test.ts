// Bandwidth limits in a real kernel, with tc and ip as oracles.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { LinkTable } from '../../src/drivers/links/index.ts';
import { QdiscDriver } from '../../src/drivers/qdiscs/index.ts';
import { NETLINK_ROUTE, NetlinkSocket } from '../../src/kernel/index.ts';
import { enterOwnNamespace, sh } from './own-namespace.ts';

/** As upstream names it. */
const IFB = 'bwcali8b3c5d144';
const CALI = 'cali65425d8647c';
const MBIT = 1_000_000;
const NONE = { operations: 0, errors: new Map(), retryAt: null };

let socket: NetlinkSocket;
let links: LinkTable;
let qdiscs: QdiscDriver;

beforeAll(() => {
  enterOwnNamespace();
  socket = new NetlinkSocket(NETLINK_ROUTE);
});
afterAll(() => socket.close());
beforeEach(() => {
  plug(CALI);
  start();
});
afterEach(() => {
  sh(`for i in ${CALI} cali2 eth0 other ${IFB}; do ip link del $i 2>/dev/null || true; done`);
});

function plug(name: string): void {
  sh(`ip link add ${name} type veth peer name peer0; ip link set ${name} up; ip link set peer0 up`);
}

/** A Felix that starts: it has read nothing but the kernel. */
function start(): void {
  links = new LinkTable(socket);
  qdiscs = new QdiscDriver({ socket, links, ownsInterface: (name) => name.startsWith('cali'), clock: () => 0 });
  links.resync();
  qdiscs.resync();
}

/** Until there is nothing more to do: what is made in one apply is used in the next. Returns how many operations it took. */
function settle(): number {
  for (let operations = 0; ; ) {
    links.resync();
    const result = qdiscs.apply();
    expect(result.errors).toEqual(new Map());
    if (result.operations === 0) return operations;
    operations += result.operations;
  }
}

/** Without what a link has from the start. */
function tc(): string[] {
  const lines = sh('tc qdisc show').split('\n');
  return lines.filter((line) => line && !/noqueue|pfifo_fast|fq_codel/.test(line)).map((line) => line.trim());
}

const filters = (device: string): string => sh(`tc filter show dev ${device} parent ffff:`);
const ifbs = (): string[] =>
  [...sh('ip -o link show type ifb').matchAll(/^\d+: ([^:]+):/gm)].map(([, name]) => name ?? '');

const ingress = { rate: MBIT, burst: 80_000 };
const egress = { rate: 2 * MBIT, burst: 160_000 };

describe('the kernel’s tables', () => {
  test('are as tc prints upstream’s', () => {
    qdiscs.setDesired(CALI, { ingress, egress });
    settle();
    expect(tc()).toEqual([
      expect.stringMatching(`^qdisc tbf 1: dev ${CALI} root refcnt \\d+ rate 1Mbit burst 10000b lat 25ms$`),
      `qdisc ingress ffff: dev ${CALI} parent ffff:fff1 ----------------`,
      expect.stringMatching(`^qdisc tbf 1: dev ${IFB} root refcnt \\d+ rate 2Mbit burst 20000b lat 25ms$`),
    ]);
    expect(filters(CALI)).toContain('fh 800::800 order 2048 key ht 800 bkt 0 *flowid 1:1');
    expect(filters(CALI)).toContain(`mirred (Egress Redirect to device ${IFB}) stolen`);
    expect(sh(`ip link show ${IFB}`)).toContain('UP,LOWER_UP');
  });

  test.each([
    { rate: 1000, burst: 4294967296 },
    { rate: 100 * MBIT, burst: 4294967296 },
    { rate: MBIT, burst: 1000 },
    { rate: 3_333_333, burst: 33_333_333, peakRate: 5_555_555 },
    { rate: 10 * MBIT, burst: 80_000, peakRate: 100 * MBIT, minBurst: 9000 },
    { rate: 1e15, burst: 34359738360, peakRate: 1.01e15 },
    { rate: 40e9, burst: 4294967296 },
  ])('are left alone by a Felix that starts: %o', (limit) => {
    qdiscs.setDesired(CALI, { ingress: limit, egress: limit });
    settle();
    const before = [tc(), filters(CALI)];
    start();
    qdiscs.setDesired(CALI, { ingress: limit, egress: limit });
    expect(qdiscs.apply()).toEqual(NONE);
    expect([tc(), filters(CALI)]).toEqual(before);
  });

  test('change in place, and go when nothing wants them', () => {
    qdiscs.setDesired(CALI, { ingress, egress });
    settle();
    const index = links.byName(IFB)?.index;
    qdiscs.setDesired(CALI, { ingress: { rate: 3 * MBIT, burst: 80_000 }, egress: { rate: 4 * MBIT, burst: 80_000 } });
    expect(settle()).toBe(2);
    expect(tc().map((line) => /rate \S+/.exec(line)?.[0])).toEqual(['rate 3Mbit', undefined, 'rate 4Mbit']);
    expect(links.byName(IFB)?.index).toBe(index);

    qdiscs.setDesired(CALI, { ingress });
    settle();
    expect(tc()).toEqual([expect.stringContaining(`tbf 1: dev ${CALI} root`)]);
    expect(ifbs()).toEqual([]);
    qdiscs.removeDesired(CALI);
    settle();
    expect(tc()).toEqual([]);
  });

  test('of an interface that comes later, goes, and comes again', () => {
    qdiscs.setDesired('cali2', { ingress, egress });
    expect(settle()).toBe(0);
    sh('ip link set peer0 name peer1');
    plug('cali2');
    settle();
    expect(tc()).toHaveLength(3);
    expect(ifbs()).toHaveLength(1);
    sh('ip link del cali2');
    settle();
    expect(ifbs()).toEqual([]);
    plug('cali2');
    settle();
    expect(tc()).toHaveLength(3);
  });

  test('follow an interface that is renamed', () => {
    qdiscs.setDesired(CALI, { ingress, egress });
    settle();
    sh(`ip link set ${CALI} down; ip link set ${CALI} name other`);
    settle();
    expect([tc(), ifbs()]).toEqual([[], []]);
    sh(`ip link set other name ${CALI}`);
    settle();
    expect(tc()).toHaveLength(3);
  });

  test('are mended by an audit', () => {
    qdiscs.setDesired(CALI, { ingress, egress });
    settle();
    const good = [tc().map((line) => line.replace(/refcnt \d+/, '')), filters(CALI)];
    for (const damage of [
      `tc qdisc del dev ${CALI} root`,
      `tc qdisc del dev ${CALI} ingress`,
      `tc filter del dev ${CALI} parent ffff:`,
      `tc qdisc change dev ${CALI} root handle 1: tbf rate 5mbit burst 5000 latency 50ms`,
      `ip link del ${IFB}`,
    ]) {
      sh(damage);
      links.resync();
      qdiscs.resync();
      settle();
      const now = [tc().map((line) => line.replace(/refcnt \d+/, '')), filters(CALI)];
      expect(now.toString().replace(/index \d+/, ''), damage).toBe(good.toString().replace(/index \d+/, ''));
    }
  });
});

describe('of a Felix that starts', () => {
  test('limits that nobody wants go, also those of an interface that went meanwhile', () => {
    qdiscs.setDesired(CALI, { ingress, egress });
    settle();
    start();
    settle();
    expect([tc(), ifbs()]).toEqual([[], []]);

    qdiscs.setDesired(CALI, { ingress, egress });
    settle();
    sh(`ip link del ${CALI}`);
    start();
    settle();
    expect(ifbs()).toEqual([]);
  });

  test('a redirect is found behind those of others', () => {
    sh(`ip link add other type ifb; tc qdisc add dev ${CALI} ingress`);
    sh(`tc filter add dev ${CALI} parent ffff: pref 1 u32 match u32 0 0 action mirred egress redirect dev other`);
    qdiscs.setDesired(CALI, { egress });
    settle();
    start();
    qdiscs.setDesired(CALI, { egress });
    expect(qdiscs.apply()).toEqual(NONE);
  });

  test('what cannot be is told of the interface, and the rest is there', () => {
    sh(`tc qdisc add dev ${CALI} clsact`);
    qdiscs.setDesired(CALI, { ingress, egress });
    qdiscs.apply();
    links.resync();
    const { errors } = qdiscs.apply();
    expect([...errors.keys()]).toEqual([CALI]);
    expect(qdiscs.failures.size).toBe(1);
    expect(qdiscs.failuresOf(CALI).map(({ code }) => code)).toContain('E_KERNEL');
    expect(qdiscs.failuresOf('cali2')).toEqual([]);
    expect(tc().join()).toContain(`dev ${CALI} root`);
    sh(`tc qdisc del dev ${CALI} clsact`);
  });

  test('what upstream’s Felix left is taken over in place', () => {
    const root = 'root handle 1: tbf rate 1mbit burst 10000 limit 5000000';
    sh(`ip link add ${IFB} type ifb; ip link set ${IFB} up; tc qdisc add dev ${CALI} ingress`);
    sh(`tc filter add dev ${CALI} parent ffff: pref 1 protocol all u32 match u32 0 0 flowid 1:1 \
      action mirred egress redirect dev ${IFB}`);
    sh(`for i in ${CALI} ${IFB}; do tc qdisc add dev $i ${root}; done`);
    const before = [filters(CALI), sh(`ip -o link show ${IFB}`)];
    start();
    qdiscs.setDesired(CALI, { ingress, egress: ingress });
    // Their queues get another size.
    expect(settle()).toBe(2);
    expect([filters(CALI), sh(`ip -o link show ${IFB}`)]).toEqual(before);
    expect(tc().filter((line) => line.includes('burst 10000b lat 25ms'))).toHaveLength(2);
  });

  test('those of others stay', () => {
    sh('ip link add eth0 type bridge; ip link set eth0 up; ip link add other type ifb');
    sh('tc qdisc add dev eth0 root handle 1: tbf rate 1mbit burst 5000 latency 50ms; tc qdisc add dev eth0 ingress');
    sh(`tc qdisc add dev ${CALI} root handle 5: pfifo limit 7; tc qdisc add dev ${CALI} ingress`);
    sh(`tc filter add dev ${CALI} parent ffff: u32 match u32 0 0 action mirred egress redirect dev other`);
    const before = [tc(), filters(CALI), ifbs()];
    start();
    expect(qdiscs.apply()).toEqual(NONE);
    expect([tc(), filters(CALI), ifbs()]).toEqual(before);
  });
});
