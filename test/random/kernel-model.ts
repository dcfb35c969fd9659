/**
 * What is in a kernel's tables after all that it was asked, and what Linux would have refused on the way: chains that
 * rules name and that do not exist, sets that go while a rule names them, routes that lead to an interface before the
 * interface is policed.
 */

import {
  attributes,
  decodeRoute,
  eachAttribute,
  type exec,
  type Message,
  MessageWriter,
  messages,
  RTM_NEWNEIGH,
  RTM_NEWROUTE,
  readText,
  readU32,
} from '../../src/kernel/index.ts';
import { readMember, writeMember } from '../../src/kernel/ipset-member.ts';
import { formatIp } from '../../src/net/index.ts';
import type { FakeKernel, Netlink } from './fake-kernel.ts';

/** Chain → its rules. */
type Table = Map<string, string[]>;

const BUILT_IN: Readonly<Record<string, readonly string[]>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
};
const CREATE = 2;
const DESTROY = 3;
const SWAP = 6;
const ADD = 9;
const REMOVE = 10;
const LIST = 7;
const NFGENMSG = 4;
const SETNAME = 2;
/** At create; at swap it is the second name. */
const TYPENAME = 3;
const MEMBER = 7;
const MEMBERS = 8;

interface IpSet {
  readonly type: Parameters<typeof readMember>[0];
  readonly members: Set<string>;
}

export class KernelModel implements FakeKernel {
  /** By program family and name: `ip6tables filter`. */
  readonly tables = new Map<string, Table>();
  readonly sets = new Map<string, IpSet>();
  /** Destination → index of the interface. */
  readonly routes = new Map<string, number>();
  readonly neighbours = new Set<string>();
  readonly parameters = new Map<string, string>();
  /** What Linux would have refused, or should never be asked. */
  readonly refused: string[] = [];
  /** By index. */
  readonly interfaces: Map<number, string>;

  constructor(interfaces: Iterable<readonly [number, string]>) {
    this.interfaces = new Map(interfaces);
  }

  /** So many writes of chains fail from now on, for no reason of their own. */
  failing = 0;

  readonly run: typeof exec = async (program, _, { stdin = '' } = {}) => {
    const family = program.startsWith('ip6') ? 'ip6tables' : 'iptables';
    if (program.endsWith('restore') && this.failing > 0) {
      this.failing--;
      return { status: 4, stdout: '', stderr: 'Resource temporarily unavailable' };
    }
    if (program.endsWith('save')) return { status: 0, stdout: this.#save(family), stderr: '' };
    for (const [, name = '', lines = ''] of `${stdin}`.matchAll(/^\*(\w+)\n([\s\S]*?)^COMMIT$/gm))
      this.#restore(`${family} ${name}`, lines.split('\n').filter(Boolean));
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
    const { type, payload } = message;
    const route = of === 'rtnetlink' ? decodeRoute(message) : null;
    if (of === 'ipset') this.#changeSet(type & 0xff, attributes(payload, NFGENMSG));
    else if (!route) this.#changeNeighbour(type, readU32(payload, 4), attributes(payload, 12));
    else if (type === RTM_NEWROUTE) this.#addRoute(route.dst, route.link);
    else if (!this.routes.delete(route.dst)) this.refused.push(`no route to ${route.dst}`);
  }

  /** The members of one set: drivers follow everything else by themselves. */
  dump(of: Netlink, { payload }: Message): Message[] {
    const name = of === 'ipset' ? attributes(payload, NFGENMSG).get(SETNAME) : undefined;
    const set = name && this.sets.get(readText(name));
    if (!set) return [];
    const w = new MessageWriter();
    w.begin(LIST, 0);
    w.u32(0);
    const list = w.open(MEMBERS);
    for (const member of set.members) {
      const data = w.open(MEMBER);
      writeMember(w, set.type, member);
      w.close(data);
    }
    w.close(list);
    w.end();
    return [...messages(Buffer.from(w.bytes()))];
  }

  endConnections(): void {}

  /** A link goes, and with it its routes and parameters. */
  removeInterface(index: number): void {
    for (const [dst, link] of [...this.routes]) if (link === index) this.routes.delete(dst);
    for (const entry of [...this.neighbours]) if (entry.startsWith(`${index} `)) this.neighbours.delete(entry);
    for (const path of [...this.parameters.keys()])
      if (path.split('/').includes(this.interfaces.get(index) as string)) this.parameters.delete(path);
    this.interfaces.delete(index);
  }

  /** Everything, for comparing. */
  get contents(): unknown {
    const sorted = <V>(map: ReadonlyMap<string, V>): [string, V][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      tables: sorted(this.tables).map(([name, table]) => [name, sorted(table)]),
      sets: sorted(this.sets).map(([name, { type, members }]) => [name, type, [...members].sort()]),
      routes: sorted(this.routes).map(([dst, link]) => [dst, this.interfaces.get(link)]),
      neighbours: [...this.neighbours]
        .map((entry) => entry.replace(/^\d+/, (link) => `${this.interfaces.get(Number(link))}`))
        .sort(),
    };
  }

  #table(name: string): Table {
    const builtIn = BUILT_IN[name.split(' ')[1] as string] ?? [];
    return this.tables.get(name) ?? new Map(builtIn.map((chain) => [chain, []]));
  }

  #restore(name: string, lines: readonly string[]): void {
    const table: Table = new Map([...this.#table(name)].map(([chain, rules]) => [chain, [...rules]]));
    for (const line of lines) if (!this.#change(table, line)) this.refused.push(`${name}: ${line}`);
    for (const [chain, rules] of table)
      for (const rule of rules)
        for (const missing of this.#missing(table, rule)) this.refused.push(`${name}: ${chain} names ${missing}`);
    this.tables.set(name, table);
  }

  #change(table: Table, line: string): boolean {
    const [, command, chain = '', rest = ''] = /^(:|-\w )(\S+) ?(.*)$/.exec(line) ?? [];
    const rules = table.get(chain);
    if (command === ':') return table.set(chain, []) !== undefined;
    if (!rules) return false;
    if (command === '-A ') return rules.push(rest) > 0;
    if (command === '-I ') return rules.splice(0, 0, rest.replace(/^1 /, '')).length === 0;
    if (command === '-X ') return rules.length === 0 && table.delete(chain);
    const at = rules.indexOf(rest);
    return command === '-D ' && at >= 0 && rules.splice(at, 1).length === 1;
  }

  *#missing(table: Table, rule: string): Generator<string> {
    const target = targetOf(rule);
    if (target !== undefined && !table.has(target)) yield target;
    for (const [, set = ''] of rule.matchAll(/--match-set (\S+)/g)) if (!this.sets.has(set)) yield set;
  }

  #save(family: string): string {
    const texts = [...this.tables]
      .filter(([name]) => name.startsWith(`${family} `))
      .map(([name, table]) => {
        const chains = [...table.keys()].map(
          (chain) => `:${chain} ${chain.startsWith('cali-') ? '-' : 'ACCEPT'} [0:0]`,
        );
        const rules = [...table].flatMap(([chain, list]) => list.map((rule) => `-A ${chain} ${rule}`));
        return [`*${name.split(' ')[1]}`, ...chains, ...rules, 'COMMIT'].join('\n');
      });
    return `${texts.join('\n')}\n`;
  }

  #changeSet(command: number, found: ReturnType<typeof attributes>): void {
    const name = readText(found.get(SETNAME) as Buffer);
    const set = this.sets.get(name);
    if (command === CREATE) {
      if (set) this.refused.push(`set ${name} exists`);
      this.sets.set(name, { type: readText(found.get(TYPENAME) as Buffer) as IpSet['type'], members: new Set() });
    } else if (!set) this.refused.push(`no set ${name}`);
    else if (command === DESTROY) this.#destroy(name);
    else if (command === SWAP) this.#swap(name, readText(found.get(TYPENAME) as Buffer));
    else {
      for (const [, data] of eachAttribute(found.get(MEMBERS) as Buffer)) {
        const member = readMember(set.type, data);
        if (command === ADD) set.members.add(member);
        if (command === REMOVE && !set.members.delete(member)) this.refused.push(`set ${name} has no ${member}`);
      }
    }
  }

  #changeNeighbour(type: number, link: number, found: ReturnType<typeof attributes>): void {
    const entry = `${link} ${formatIp(found.get(1) as Buffer)}`;
    if (type === RTM_NEWNEIGH) this.neighbours.add(entry);
    else if (!this.neighbours.delete(entry)) this.refused.push(`no neighbour ${entry}`);
  }

  #destroy(name: string): void {
    const rules = [...this.tables.values()].flatMap((table) => [...table.values()].flat());
    if (rules.some((rule) => rule.includes(`--match-set ${name} `))) this.refused.push(`set ${name} is in use`);
    this.sets.delete(name);
  }

  #swap(a: string, b: string): void {
    const [first, second] = [this.sets.get(a), this.sets.get(b)];
    if (!first || !second) this.refused.push(`cannot swap ${a} and ${b}`);
    else this.sets.set(a, second).set(b, first);
  }

  /** Only to an interface whose workload is policed in both directions. */
  #addRoute(dst: string, index: number): void {
    const name = this.interfaces.get(index);
    if (name === undefined) this.refused.push(`a route to ${dst} by link ${index}`);
    const filter: Table = this.tables.get(dst.includes(':') ? 'ip6tables filter' : 'iptables filter') ?? new Map();
    for (const [way, dispatch, own] of [
      ['--in-interface', 'cali-from-wl-dispatch', `cali-fw-${name}`],
      ['--out-interface', 'cali-to-wl-dispatch', `cali-tw-${name}`],
    ] as const)
      if (!isPoliced(filter, dispatch, `${name}`, way, own)) this.refused.push(`a route to ${dst} before ${own}`);
    this.routes.set(dst, index);
  }
}

/** Every chain that a packet may come through. */
function reachedFrom(table: Table, start: string): Set<string> {
  const reached = new Set<string>();
  const visit = (chain: string): void => {
    if (reached.has(chain)) return;
    reached.add(chain);
    for (const rule of table.get(chain) ?? []) visit(targetOf(rule) ?? chain);
  };
  visit(start);
  return reached;
}

/** Whether the dispatch brings the interface's packets to its own chain, or a closed chain stands in for it. */
function isPoliced(table: Table, chain: string, name: string, way: string, own: string): boolean {
  if (chain === own) return (table.get(own)?.length ?? 0) > 0;
  for (const rule of table.get(chain) ?? []) {
    const pattern = new RegExp(`${way} (\\S+)`).exec(rule)?.[1];
    if (pattern === undefined) return rule.includes('cali:closed');
    const meets = pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
    if (meets) return isPoliced(table, targetOf(rule) as string, name, way, own);
  }
  return false;
}

/** The chain of ours that a rule leads to. */
function targetOf(rule: string): string | undefined {
  return /--(?:jump|goto) (cali-\S+)/.exec(rule)?.[1];
}

/** Chains of ours that nothing leads to. */
export function orphans({ tables }: KernelModel): string[] {
  return [...tables].flatMap(([name, table]) => {
    const reached = new Set(
      [...table.keys()].filter((chain) => !chain.startsWith('cali-')).flatMap((hook) => [...reachedFrom(table, hook)]),
    );
    return [...table.keys()].filter((chain) => !reached.has(chain)).map((chain) => `${name} ${chain}`);
  });
}
