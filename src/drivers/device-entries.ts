/**
 * Entries that hang on an interface and have no life without it: neighbours, forwarding entries. The desired ones are there
 * as soon as their interface is up; on our own interfaces there are no others.
 */
import type { CalicoError } from '../errors/index.ts';
import type { Link, MessageWriter, NetlinkSocket } from '../kernel/index.ts';
import { type ApplyResult, type Clock, dumpTracker, type TableDump, Tracker } from '../reconcile/index.ts';
import type { LinkTable } from './links/index.ts';
import { applyTable, type NetlinkTable } from './netlink-table.ts';

export interface DeviceEntriesOptions {
  readonly socket: NetlinkSocket;
  readonly links: LinkTable;
  /** Interfaces on which entries that are not desired go. */
  readonly ownsInterface: (name: string) => boolean;
  readonly clock: Clock;
}

/** `I`: what identifies a wanted entry; `W`: the whole; `K`: as the kernel has it. */
export interface EntryKind<I extends { readonly device: string }, W extends I, K extends { readonly link: number }> {
  /** What an entry is called in errors. */
  readonly noun: string;
  readonly key: (id: I) => string;
  /** What identifies an entry of the kernel. */
  readonly idOf: (entry: K, device: string) => I;
  readonly toKernel: (wanted: W, link: number) => K;
  readonly same: (a: K, b: K) => boolean;
  readonly encodeReplace: (writer: MessageWriter, entry: K) => void;
  readonly encodeDelete: (writer: MessageWriter, entry: K) => void;
  readonly dump: () => Iterable<K>;
}

export class DeviceEntries<I extends { readonly device: string }, W extends I, K extends { readonly link: number }> {
  readonly #options: DeviceEntriesOptions;
  readonly #kind: EntryKind<I, W, K>;
  readonly #wanted = new Map<string, W>();
  readonly #byDevice = new Map<string, Set<string>>();
  readonly #tracker: Tracker<string, K>;
  readonly #orphans: K[] = [];
  readonly #table: NetlinkTable<K>;

  constructor(options: DeviceEntriesOptions, kind: EntryKind<I, W, K>) {
    this.#options = options;
    this.#kind = kind;
    this.#tracker = new Tracker<string, K>(kind.same);
    this.#table = { ...kind, socket: options.socket, tracker: this.#tracker, orphans: this.#orphans };
    options.links.onLink((before, after) => this.#linkChanged(before, after));
  }

  setDesired(entry: W): void {
    const key = this.#kind.key(entry);
    const keys = this.#byDevice.get(entry.device) ?? new Set();
    this.#byDevice.set(entry.device, keys.add(key));
    this.#wanted.set(key, entry);
    this.#refresh(key);
  }

  removeDesired(id: I): void {
    const key = this.#kind.key(id);
    if (!this.#wanted.delete(key)) return;
    const keys = this.#byDevice.get(id.device);
    keys?.delete(key);
    if (keys?.size === 0) this.#byDevice.delete(id.device);
    this.#refresh(key);
  }

  dump(): TableDump[] {
    return [dumpTracker(`entries: ${this.#kind.noun}`, this.#tracker)];
  }

  /** Why entries are not there, or not gone, by key. */
  get failures(): ReadonlyMap<string, CalicoError> {
    return this.#tracker.failures;
  }

  /** Why the desired entry is not there. */
  failureOf(id: I): CalicoError | undefined {
    return this.#tracker.failures.get(this.#kind.key(id));
  }

  /** Is the desired entry still to be written? */
  isPending(id: I): boolean {
    return this.#tracker.pendingWrites.has(this.#kind.key(id));
  }

  /** Reads the kernel's entries. */
  resync(): void {
    const { links, ownsInterface } = this.#options;
    const found = new Map<string, K>();
    for (const entry of this.#kind.dump()) {
      const device = links.byIndex(entry.link)?.name;
      if (device === undefined) continue;
      const key = this.#kind.key(this.#kind.idOf(entry, device));
      if (this.#wanted.has(key) || ownsInterface(device)) found.set(key, entry);
    }
    this.#tracker.replaceActual(found);
  }

  apply(): ApplyResult {
    return applyTable(this.#table, this.#options.clock());
  }

  #refresh(key: string): void {
    const wanted = this.#wanted.get(key);
    const link = wanted && this.#options.links.byName(wanted.device);
    if (wanted && link?.up) this.#tracker.setDesired(key, this.#kind.toKernel(wanted, link.index));
    else this.#tracker.removeDesired(key);
  }

  #linkChanged(before: Link | null, after: Link | null): void {
    const now = before && this.#options.links.byIndex(before.index);
    const renamed = before !== null && after === null && now;
    const flushed = renamed || (before?.up && (!now?.up || now.mac !== before.mac));
    for (const key of this.#byDevice.get((after ?? before)?.name ?? '') ?? []) {
      if (renamed) this.#orphans.push(this.#kind.toKernel(this.#wanted.get(key) as W, before.index));
      // The kernel forgets them with the link's MAC, or with the link; writing one again that it has not does no harm.
      if (flushed && this.#tracker.actual.get(key)?.link === before?.index) this.#tracker.removeActual(key);
      this.#refresh(key);
    }
  }
}
