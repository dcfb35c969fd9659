/**
 * A kernel that does whatever it is asked and writes it down: the real drivers over it, so that what a dataplane asks of
 * the kernel can be counted without one.
 */
import type { Drivers } from '../../src/dataplane/index.ts';
import { ConntrackDriver } from '../../src/drivers/conntrack/index.ts';
import { IpSetDriver } from '../../src/drivers/ipset/index.ts';
import { Iptables } from '../../src/drivers/iptables/index.ts';
import { LinkTable } from '../../src/drivers/links/index.ts';
import { NeighbourDriver } from '../../src/drivers/neighbours/index.ts';
import { RouteDriver } from '../../src/drivers/routes/index.ts';
import { SysctlDriver } from '../../src/drivers/sysctl/index.ts';
import { type exec, type KernelEvent, type Link, MessageWriter, type NetlinkSocket } from '../../src/kernel/index.ts';
import type { Family } from '../../src/net/index.ts';

const FAMILIES: readonly Family[] = [4, 6];

/** Of linux/rtnetlink.h, and of linux/netfilter/ipset/ip_set.h. */
const MESSAGES: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  rtnetlink: { 24: 'route', 25: 'route removed', 28: 'neighbour', 29: 'neighbour removed' },
  ipset: { 2: 'set', 3: 'set removed', 6: 'sets swapped', 9: 'members', 10: 'members removed' },
};
const LINES: readonly (readonly [RegExp, string])[] = [
  [/^:/, 'chain'],
  [/^-X/, 'chain removed'],
  [/^-[AI]/, 'rule'],
  [/^-D/, 'rule removed'],
];

export interface Asked {
  /** For counting. */
  readonly what: string;
  /** In full. */
  readonly exactly: string;
}

export class RecordingKernel {
  readonly #log: Asked[] = [];

  /** What was asked since the last call. */
  take(): Asked[] {
    return this.#log.splice(0);
  }

  drivers(): Drivers {
    const socket = this.#socket('rtnetlink');
    const links = new LinkTable(socket);
    const clock = () => performance.now();
    const ownsInterface = (name: string) => name.startsWith('cali');
    const own = { socket, links, families: FAMILIES, ownsInterface, clock };
    return {
      links,
      iptables: FAMILIES.map(
        (family) => new Iptables({ family, backend: 'legacy', insertMode: 'insert', run: this.#run }),
      ),
      ipsets: new IpSetDriver({ socket: this.#socket('ipset'), families: FAMILIES, clock }),
      routes: new RouteDriver(own),
      neighbours: new NeighbourDriver(own),
      sysctls: new SysctlDriver({ clock, files: { read: this.#read, write: this.#write } }),
      conntrack: this.#conntrack(clock),
      routePort: 0,
    };
  }

  readonly #run: typeof exec = async (program, args, { stdin = '' } = {}) => {
    this.#note('program run', [program, ...args].join(' '));
    for (const line of `${stdin}`.split('\n')) {
      const what = LINES.find(([pattern]) => pattern.test(line))?.[1];
      if (what) this.#note(what, `${program} ${line}`);
    }
    return { status: 0, stdout: '', stderr: '' };
  };

  readonly #read = (path: string): string => {
    this.#note('parameter read', path);
    return '';
  };

  readonly #write = (path: string, value: string): boolean => {
    this.#note('parameter written', `${path} ${value}`);
    return true;
  };

  #note(what: string, exactly: string): void {
    this.#log.push({ what, exactly });
  }

  #conntrack(clock: () => number): ConntrackDriver {
    const note = (address: string) => this.#note('connections ended', address);
    return new (class extends ConntrackDriver {
      override endConnections(addresses: Iterable<string>): void {
        for (const address of addresses) note(address);
      }
    })({ clock });
  }

  /** Everything that drivers use of a socket. */
  #socket(name: string): NetlinkSocket {
    const batch: NetlinkSocket['batch'] = (items, encode) => {
      for (const item of items) {
        const writer = new MessageWriter();
        encode(writer, item);
        const message = Buffer.from(writer.bytes());
        const type = message.readUInt16LE(4) & 0xff;
        this.#note(MESSAGES[name]?.[type] ?? `${name} ${type}`, message.toString('hex'));
      }
      return new Map();
    };
    const request: NetlinkSocket['request'] = (encode) => batch([0], encode).get(0) ?? null;
    const dump: NetlinkSocket['dump'] = (what) => this.#note('dump', what);
    return { batch, request, dump } as NetlinkSocket;
  }
}

export function linkUp(name: string, index: number): KernelEvent {
  const link: Link = { index, name, up: true, running: true, mac: '', mtu: 1500, kind: 'veth', master: 0, parent: 0 };
  return { type: 'link', link };
}
