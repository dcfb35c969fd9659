/** The real drivers over a kernel that is not there. */
import type { Drivers } from '../../src/dataplane/index.ts';
import { ConntrackDriver } from '../../src/drivers/conntrack/index.ts';
import { FdbDriver } from '../../src/drivers/fdb/index.ts';
import { IpSetDriver } from '../../src/drivers/ipset/index.ts';
import { Iptables } from '../../src/drivers/iptables/index.ts';
import { LinkDriver, LinkTable } from '../../src/drivers/links/index.ts';
import { NeighbourDriver } from '../../src/drivers/neighbours/index.ts';
import { QdiscDriver } from '../../src/drivers/qdiscs/index.ts';
import { RouteDriver } from '../../src/drivers/routes/index.ts';
import { SysctlDriver, type SysctlFiles } from '../../src/drivers/sysctl/index.ts';
import {
  type exec,
  type KernelEvent,
  type Message,
  MessageWriter,
  messages,
  type NetlinkSocket,
} from '../../src/kernel/index.ts';
import type { Family } from '../../src/net/index.ts';

export const FAMILIES: readonly Family[] = [4, 6];
export type Netlink = 'rtnetlink' | 'ipset';

/** What is asked of it by netlink is done: it never fails. */
export interface FakeKernel {
  readonly run: typeof exec;
  readonly sysctls: SysctlFiles;
  message(of: Netlink, message: Message): void;
  /** The answer to a dump. */
  dump?(of: Netlink, request: Message): Message[];
  endConnections(address: string): void;
}

export function driversOver(kernel: FakeKernel): Drivers {
  const socket = socketOf(kernel, 'rtnetlink');
  const links = new LinkTable(socket);
  const clock = () => performance.now();
  const ownsInterface = (name: string) => name.startsWith('cali');
  const own = { socket, links, families: FAMILIES, ownsInterface, clock };
  return {
    links,
    iptables: FAMILIES.map(
      (family) => new Iptables({ family, backend: 'legacy', insertMode: 'insert', run: kernel.run }),
    ),
    ipsets: new IpSetDriver({ socket: socketOf(kernel, 'ipset'), families: FAMILIES, clock }),
    routes: new RouteDriver({ ...own, graceMs: 0 }),
    neighbours: new NeighbourDriver(own),
    devices: new LinkDriver(own),
    fdb: new FdbDriver(own),
    qdiscs: new QdiscDriver(own),
    sysctls: new SysctlDriver({ clock, files: kernel.sysctls }),
    conntrack: new FakeConntrack(kernel, clock),
    leftovers: { police: async () => false, clear: async () => {} },
    routePort: 0,
    close: () => {},
  };
}

/** Everything that drivers use of a socket. */
function socketOf(kernel: FakeKernel, of: Netlink): NetlinkSocket {
  const batch: NetlinkSocket['batch'] = (items, encode) => {
    for (const item of items) {
      const writer = new MessageWriter();
      encode(writer, item);
      for (const message of messages(Buffer.from(writer.bytes()))) kernel.message(of, message);
    }
    return new Map();
  };
  const request: NetlinkSocket['request'] = (encode) => batch([0], encode).get(0) ?? null;
  const dump: NetlinkSocket['dump'] = (_, encode, onMessage) => {
    const writer = new MessageWriter();
    encode(writer);
    for (const asked of messages(Buffer.from(writer.bytes()))) kernel.dump?.(of, asked).forEach(onMessage);
  };
  return { batch, request, dump } as unknown as NetlinkSocket;
}

class FakeConntrack extends ConntrackDriver {
  readonly #kernel: FakeKernel;

  constructor(kernel: FakeKernel, clock: () => number) {
    super({ clock });
    this.#kernel = kernel;
  }

  override endConnections(addresses: Iterable<string>): void {
    for (const address of addresses) this.#kernel.endConnections(address);
  }
}

export function linkUp(name: string, index: number): KernelEvent {
  const link = { index, name, up: true, running: true, mac: '', mtu: 1500, kind: 'veth', master: 0, parent: 0 };
  return { type: 'link', link };
}
