/**
 * Permanent neighbour entries and proxy entries: the desired ones, and on our own interfaces no others. What the kernel
 * has learnt is its own affair.
 */
import {
  dumpNeighbours,
  encodeNeighbourDelete,
  encodeNeighbourReplace,
  type KernelNeighbour,
  type Link,
  type NetlinkSocket,
} from '../../kernel/index.ts';
import type { Family, Ip } from '../../net/index.ts';
import { type ApplyResult, type Clock, Tracker } from '../../reconcile/index.ts';
import type { LinkTable } from '../links/index.ts';
import { applyTable, type NetlinkTable } from '../netlink-table.ts';

export interface NeighbourId {
  /** The interface's name; the entry waits until it exists and is up. */
  readonly device: string;
  readonly address: Ip;
  /** The host answers for the address itself; there is no MAC then. */
  readonly proxy?: boolean;
}

export interface Neighbour extends NeighbourId {
  readonly mac?: string;
}

export interface NeighbourDriverOptions {
  readonly socket: NetlinkSocket;
  readonly links: LinkTable;
  readonly families: readonly Family[];
  /** Interfaces on which permanent and proxy entries that are not desired go. */
  readonly ownsInterface: (name: string) => boolean;
  readonly clock: Clock;
}

export class NeighbourDriver {
  readonly #options: NeighbourDriverOptions;
  readonly #wanted = new Map<string, Neighbour>();
  readonly #byDevice = new Map<string, Set<string>>();
  readonly #tracker = new Tracker<string, KernelNeighbour>(sameEntry);
  readonly #table: NetlinkTable<KernelNeighbour>;

  constructor(options: NeighbourDriverOptions) {
    this.#options = options;
    this.#table = {
      socket: options.socket,
      tracker: this.#tracker,
      noun: 'neighbour',
      encodeReplace: encodeNeighbourReplace,
      encodeDelete: encodeNeighbourDelete,
    };
    options.links.onLink((before, after) => this.#linkChanged(before, after));
  }

  setDesired(entry: Neighbour): void {
    const key = neighbourKey(entry);
    const keys = this.#byDevice.get(entry.device) ?? new Set();
    this.#byDevice.set(entry.device, keys.add(key));
    this.#wanted.set(key, entry);
    this.#refresh(key);
  }

  removeDesired(id: NeighbourId): void {
    const key = neighbourKey(id);
    if (!this.#wanted.delete(key)) return;
    const keys = this.#byDevice.get(id.device);
    keys?.delete(key);
    if (keys?.size === 0) this.#byDevice.delete(id.device);
    this.#refresh(key);
  }

  /** Reads the kernel's permanent and proxy entries. */
  resync(): void {
    const { socket, families, links, ownsInterface } = this.#options;
    const found = new Map<string, KernelNeighbour>();
    for (const family of families) {
      for (const entry of dumpNeighbours(socket, family)) {
        const device = links.byIndex(entry.link)?.name;
        if (device === undefined) continue;
        const key = neighbourKey({ device, address: entry.address, proxy: entry.mac === null });
        if (this.#wanted.has(key) || ownsInterface(device)) found.set(key, entry);
      }
    }
    this.#tracker.replaceActual(found);
  }

  apply(): ApplyResult {
    return applyTable(this.#table, this.#options.clock());
  }

  #refresh(key: string): void {
    const wanted = this.#wanted.get(key);
    const link = wanted && this.#options.links.byName(wanted.device);
    const mac = wanted?.proxy ? null : (wanted?.mac?.toLowerCase() ?? null);
    if (wanted && link?.up) this.#tracker.setDesired(key, { link: link.index, address: wanted.address, mac });
    else this.#tracker.removeDesired(key);
  }

  #linkChanged(before: Link | null, after: Link | null): void {
    const flushed = before?.up && !after?.up;
    for (const key of this.#byDevice.get((after ?? before)?.name ?? '') ?? []) {
      // Permanent entries survive a link that goes down, but not one that goes away; writing one again does no harm.
      if (flushed && this.#tracker.actual.get(key)?.link === before.index) this.#tracker.removeActual(key);
      this.#refresh(key);
    }
  }
}

const neighbourKey = ({ device, address, proxy }: NeighbourId): string =>
  `${device} ${address}${proxy ? ' proxy' : ''}`;

function sameEntry(a: KernelNeighbour, b: KernelNeighbour): boolean {
  return a.link === b.link && a.mac === b.mac;
}
