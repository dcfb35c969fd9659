/**
 * What `iptables-save` says, reduced to what the driver asks of it.
 *
 * Our own chains become one line of hashes each. Of everybody else's chains only our rules are kept, with their
 * positions: rules of others are counted and never looked at, with one exception, the chains of ours that they jump to.
 */

export const CHAIN_PREFIX = 'cali-';
const HASH = /--comment "?cali:([\w-]{16})"?(?= |$)/;
/** Where a rule of ours has no hash that can be read: it never equals a desired one, so its chain is written again. */
const UNKNOWN = '?';

/** A rule of ours in a chain of the kernel or of somebody else. */
export interface OurRule {
  /** From 0. */
  readonly index: number;
  readonly hash: string;
  /** What `-D CHAIN ` takes. */
  readonly spec: string;
}

export interface ForeignChain {
  /** All rules in it, ours included. */
  readonly count: number;
  readonly ours: readonly OurRule[];
}

export interface SavedTable {
  /** Our chains: name → hashes of the rules, in order, joined by a space (`?` for a rule without one). */
  readonly chains: ReadonlyMap<string, string>;
  /** The other chains. */
  readonly foreign: ReadonlyMap<string, ForeignChain>;
  /** Chains of ours that a rule of somebody else jumps to: they cannot be deleted. */
  readonly pinned: ReadonlySet<string>;
}

interface Building {
  chains: Map<string, string[]>;
  foreign: Map<string, { count: number; ours: OurRule[] }>;
  pinned: Set<string>;
}

/** Table name → its contents. Tables that the text does not mention are not in the result. */
export function parseSave(text: string): Map<string, SavedTable> {
  const reader = new SaveReader();
  reader.read(text);
  return reader.end();
}

/** Reads a save as it comes: the whole of it would take its place in memory, and time at once. */
export class SaveReader {
  readonly #tables = new Map<string, Building>();
  #table: Building | undefined;
  /** A line that has no end yet. */
  #rest = '';

  read(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  end(): Map<string, SavedTable> {
    this.#line(this.#rest);
    return new Map([...this.#tables].map(([name, found]) => [name, finished(found)]));
  }

  #line(line: string): void {
    if (line.startsWith('*')) {
      this.#table = { chains: new Map(), foreign: new Map(), pinned: new Set() };
      this.#tables.set(line.slice(1).trim(), this.#table);
    } else if (this.#table) readLine(this.#table, line);
  }
}

function readLine(table: Building, line: string): void {
  if (line.startsWith(':')) {
    const name = line.slice(1, line.indexOf(' '));
    if (name.startsWith(CHAIN_PREFIX)) table.chains.set(name, []);
    else table.foreign.set(name, { count: 0, ours: [] });
  } else if (line.startsWith('-A ')) {
    const end = line.indexOf(' ', 3);
    const name = line.slice(3, end);
    const hash = HASH.exec(line)?.[1];
    const own = table.chains.get(name);
    if (own) own.push(hash ?? UNKNOWN);
    else readForeign(table, name, line.slice(end + 1), hash);
  }
}

function readForeign(table: Building, chain: string, spec: string, hash: string | undefined): void {
  const found = table.foreign.get(chain);
  if (!found) return;
  const target = / -[jg] (cali-\S+)/.exec(` ${spec}`)?.[1];
  if (hash) found.ours.push({ index: found.count, hash, spec });
  else if (target) table.pinned.add(target);
  found.count++;
}

function finished({ chains, foreign, pinned }: Building): SavedTable {
  return { chains: new Map([...chains].map(([name, hashes]) => [name, hashes.join(' ')])), foreign, pinned };
}

/** How many rules and chains that are not the kernel's own the text has: says who uses a backend. */
export function countEntries(text: string): number {
  let count = 0;
  for (const line of text.split('\n')) if (line.startsWith('-A ') || /^:\S+ - /.test(line)) count++;
  return count;
}
