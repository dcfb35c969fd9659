// Whatever happens to routes and interfaces, in whatever order: once the kernel's notifications are in, and one apply is
// done, the routes on our interfaces are the desired ones, and the others are as they were.
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { LinkTable } from '../../src/drivers/links/index.ts';
import { RouteDriver } from '../../src/drivers/routes/index.ts';
import { dumpLinks, KernelEvents, NETLINK_ROUTE, NetlinkSocket } from '../../src/kernel/index.ts';
import { cidr } from '../../src/net/index.ts';
import { enterOwnNamespace, sh } from './own-namespace.ts';

const DEVICES = ['cali1', 'cali2'];
const ADDRESSES = ['10.65.0.1', '10.65.0.2', 'fd00:65::1'];
const FOREIGN = ['10.99.0.1 dev eth0 scope link', '10.99.0.2 via 172.30.0.12 dev eth0'];

beforeAll(() => {
  enterOwnNamespace();
  sh(
    'ip link add eth0 type veth peer name ethx; ip link set ethx up; ip link set eth0 up; ip addr add 172.30.0.11/24 dev eth0',
  );
  for (const route of FOREIGN) sh(`ip route add ${route}`);
});

const device = fc.constantFrom(...DEVICES);
const address = fc.constantFrom(...ADDRESSES);
const step = fc.oneof(
  fc.record({ op: fc.constant('want'), address, device }),
  fc.record({ op: fc.constant('drop'), address }),
  fc.record({ op: fc.constantFrom('add', 'replace', 'del'), address, device }),
  fc.record({ op: fc.constantFrom('plug', 'unplug', 'up', 'down', 'bounce'), device }),
  fc.record({ op: fc.constantFrom('apply', 'settle', 'restart') }),
) as fc.Arbitrary<{ op: string; address: string; device: string }>;

/** One host's driver, and what it is to reach. */
class Host {
  readonly wanted = new Map<string, string>();
  readonly socket = new NetlinkSocket(NETLINK_ROUTE);
  #links!: LinkTable;
  #routes!: RouteDriver;
  #events: KernelEvents | undefined;

  async start(): Promise<void> {
    await this.#events?.close();
    const { socket } = this;
    this.#links = new LinkTable(socket);
    const ownsInterface = (name: string) => name.startsWith('cali');
    const common = { families: [4, 6] as const, clock: () => 0, graceMs: 0 };
    this.#routes = new RouteDriver({ socket, links: this.#links, ownsInterface, ...common });
    this.#events = new KernelEvents({
      ownPort: socket.port,
      onEvents: (events) => {
        for (const event of events) {
          this.#links.handle(event);
          this.#routes.handle(event);
        }
      },
      onError: (error) => {
        throw error;
      },
    });
    this.#links.resync();
    for (const [dst, device] of this.wanted) this.#want(dst, device);
    this.#routes.resync();
  }

  async stop(): Promise<void> {
    await this.#events?.close();
    this.socket.close();
  }

  async do({ op, address, device }: { op: string; address: string; device: string }): Promise<void> {
    if (op === 'want') {
      this.wanted.set(address, device);
      this.#want(address, device);
    } else if (op === 'drop') {
      this.wanted.delete(address);
      this.#routes.removeDesired({ dst: cidr(address) });
    } else if (op === 'apply') this.#routes.apply();
    else if (op === 'restart') await this.start();
    else if (op === 'settle') await this.settle();
    else await byHand(op, address, device);
  }

  /** All notifications are in when one that we cause ourselves has come. */
  async settle(): Promise<void> {
    const mtu = (this.#links.byName('ethx')?.mtu ?? 1500) === 1400 ? 1401 : 1400;
    sh(`ip link set ethx mtu ${mtu}`);
    for (let i = 0; this.#links.byName('ethx')?.mtu !== mtu; i++) {
      if (i > 400) throw new Error('no notification came');
      await sleep(5);
    }
    this.#routes.apply();
  }

  #want(address: string, device: string): void {
    this.#routes.setDesired({ dst: cidr(address), device });
  }
}

async function byHand(op: string, address: string, device: string): Promise<void> {
  const commands: Record<string, string> = {
    add: `ip route add ${address} dev ${device}`,
    replace: `ip route replace ${address} dev ${device}`,
    del: `ip route del ${address} dev ${device}`,
    plug: `ip link add ${device} type veth peer name w${device}; ip link set w${device} up; ip link set ${device} up`,
    unplug: `ip link del ${device}`,
    up: `ip link set ${device} up`,
    down: `ip link set ${device} down`,
    bounce: `ip link set ${device} down; ip link set ${device} up`,
  };
  // Many of them make no sense at the time: what does not work is no change.
  sh(`{ ${commands[op]}; } 2>/dev/null || true`);
}

function routesNow(): string[] {
  const lines = sh('ip -4 route; ip -6 route').split('\n');
  const others = /^(fe80::|ff00::|$)|proto kernel/;
  return lines
    .filter((line) => !others.test(line))
    .map((line) => line.replace(/ (metric 1024|pref medium|linkdown)/g, '').trim())
    .sort();
}

test('random histories', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
      const host = new Host();
      await host.start();
      try {
        await byHand('plug', '', 'cali1');
        for (const one of steps) await host.do(one);
        await host.settle();
        const running = new Set(dumpLinks(host.socket).flatMap((link) => (link.running ? [link.name] : [])));
        const ours = [...host.wanted].flatMap(([dst, name]) =>
          running.has(name) ? [`${dst} dev ${name}${dst.includes(':') ? '' : ' scope link'}`] : [],
        );
        expect(routesNow()).toEqual([...ours, ...FOREIGN].sort());
      } finally {
        await host.stop();
        for (const name of DEVICES) await byHand('unplug', '', name);
      }
    }),
    { numRuns: 60 },
  );
});
