/**
 * What is in a kernel's tables after all that it was asked, and what Linux would have refused on the way: chains that
 * rules name and that do not exist, sets that go while a rule names them, routes that lead to an interface before the
 * interface is policed.
 */
import {
  attributes,
  decodeRoute,
  type exec,
  type Message,
  MessageWriter,
  messages,
  RTM_GETLINK,
  RTM_GETNEIGH,
  RTM_GETROUTE,
  RTM_NEWLINK,
  RTM_NEWNEIGH,
  RTM_NEWROUTE,
  readU32,
} from '../../src/kernel/index.ts';
import { formatIp } from '../../src/net/index.ts';
import type { FakeKernel, Netlink } from './fake-kernel.ts';
import { KernelChains } from './kernel-chains.ts';
import { KernelSets } from './kernel-sets.ts';

const UP_AND_RUNNING = 0x41;
const IFLA_IFNAME = 3;
const NDA_DST = 1;
const NDMSG = 12;
/** In the flags of a request for neighbours. */
const NTF_PROXY = 8;

export class KernelModel implements FakeKernel {
  /** So many writes of chains fail from now on, for no reason of their own. */
  failing = 0;
  /** What Linux would have refused, or should never be asked. */
  readonly refused: string[] = [];
  /** By index. */
  readonly interfaces: Map<number, string>;
  readonly chains: KernelChains;
  readonly parameters = new Map<string, string>();
  readonly #sets: KernelSets;
  /** By destination, as they were asked for: that is how they are told, too. */
  readonly #routes = new Map<string, { readonly link: number; readonly message: Message }>();
  /** By link and address. */
  readonly #neighbours = new Map<string, { readonly link: number; readonly message: Message }>();

  constructor(interfaces: Iterable<readonly [number, string]>) {
    this.interfaces = new Map(interfaces);
    const refuse = (what: string) => void this.refused.push(what);
    this.chains = new KernelChains((set) => this.#sets.sets.has(set), refuse);
    this.#sets = new KernelSets((set) => this.chains.uses(set), refuse);
  }

  readonly run: typeof exec = async (program, _, { stdin = '', onOutput } = {}) => {
    const family = program.startsWith('ip6') ? 'ip6tables' : 'iptables';
    if (program.endsWith('save')) {
      onOutput?.(this.chains.save(family));
      return { status: 0, stdout: '', stderr: '' };
    }
    if (this.failing > 0) {
      this.failing--;
      return { status: 4, stdout: '', stderr: 'Resource temporarily unavailable' };
    }
    this.chains.restore(family, [...stdin].join(''));
    return { status: 0, stdout: '', stderr: '' };
  };

  readonly sysctls = {
    read: (path: string): string => this.parameters.get(path) ?? '',
    write: (path: string, value: string): boolean => {
      this.parameters.set(path, value);
      return true;
    },
  };

  message(of: Netlink, message: Message): void {
    if (of === 'ipset') this.#sets.change(message);
    else if (!this.#changeRoute(message)) this.#changeNeighbour(message);
  }

  dump(of: Netlink, request: Message): Message[] {
    if (of === 'ipset') return this.#sets.list(request);
    const ofFamily = ({ message }: { message: Message }) => message.payload[0] === request.payload[0];
    const proxies = ((request.payload[10] ?? 0) & NTF_PROXY) !== 0;
    if (request.type === RTM_GETROUTE) return [...this.#routes.values()].filter(ofFamily).map((r) => r.message);
    if (request.type === RTM_GETNEIGH && !proxies)
      return [...this.#neighbours.values()].filter(ofFamily).map((n) => n.message);
    return request.type === RTM_GETLINK ? [...this.interfaces].flatMap(linkMessages) : [];
  }

  endConnections(): void {}

  /** A link goes, and with it its routes and parameters. */
  removeInterface(index: number): void {
    for (const table of [this.#routes, this.#neighbours])
      for (const [key, { link }] of [...table]) if (link === index) table.delete(key);
    for (const path of [...this.parameters.keys()])
      if (path.split('/').includes(this.interfaces.get(index) as string)) this.parameters.delete(path);
    this.interfaces.delete(index);
  }

  /** Everything but parameters, for comparing. */
  get contents(): unknown {
    const sorted = <V>(map: ReadonlyMap<string, V>): [string, V][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
    const device = (link: number) => this.interfaces.get(link);
    return {
      tables: sorted(this.chains.tables).map(([name, table]) => [name, sorted(table)]),
      sets: sorted(this.#sets.sets).map(([name, { type, members }]) => [name, type, [...members].sort()]),
      routes: sorted(this.#routes).map(([dst, { link }]) => [dst, device(link)]),
      neighbours: [...this.#neighbours].map(([key, { link }]) => `${device(link)} ${key.split(' ')[1]}`).sort(),
    };
  }

  /** Only to an interface whose workload is policed in both directions. */
  #changeRoute(message: Message): boolean {
    const route = decodeRoute(message);
    if (!route) return false;
    const { dst, link } = route;
    if (message.type === RTM_NEWROUTE) {
      const name = this.interfaces.get(link);
      const unpoliced = this.chains.unpoliced(dst.includes(':') ? 'ip6tables' : 'iptables', `${name}`);
      if (name === undefined) this.refused.push(`a route to ${dst} by link ${link}`);
      else for (const chain of unpoliced) this.refused.push(`a route to ${dst} before ${chain}`);
      this.#routes.set(dst, { link, message });
    } else if (!this.#routes.delete(dst)) this.refused.push(`no route to ${dst}`);
    return true;
  }

  #changeNeighbour(message: Message): void {
    const link = readU32(message.payload, 4);
    const key = `${link} ${formatIp(attributes(message.payload, NDMSG).get(NDA_DST) as Buffer)}`;
    if (message.type === RTM_NEWNEIGH) this.#neighbours.set(key, { link, message });
    else if (!this.#neighbours.delete(key)) this.refused.push(`no neighbour ${key}`);
  }
}

function linkMessages([index, name]: readonly [number, string]): Message[] {
  const w = new MessageWriter();
  w.begin(RTM_NEWLINK, 0);
  for (const field of [0, index, UP_AND_RUNNING, 0]) w.u32(field);
  w.attributeText(IFLA_IFNAME, name);
  w.end();
  return [...messages(Buffer.from(w.bytes()))];
}
