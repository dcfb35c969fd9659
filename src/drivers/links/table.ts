/** The links and addresses of this host as they are: read once, then kept up to date by the kernel's notifications. */
import { isDeepStrictEqual } from 'node:util';
import {
  dumpAddresses,
  dumpLinks,
  type KernelEvent,
  type Link,
  type LinkAddress,
  type NetlinkSocket,
} from '../../kernel/index.ts';
import type { Ip } from '../../net/index.ts';

/**
 * A link before and after a change; null: it was not there, or is gone. A link with a new name goes and comes; while its
 * going is told, `byIndex` has it under its new name already: what the kernel keeps for it is still there.
 */
export type LinkListener = (before: Link | null, after: Link | null) => void;

export class LinkTable {
  readonly #socket: NetlinkSocket;
  readonly #byIndex = new Map<number, Link>();
  readonly #byName = new Map<string, Link>();
  readonly #addresses = new Map<string, LinkAddress>();
  readonly #linkListeners: LinkListener[] = [];
  readonly #addressListeners: (() => void)[] = [];

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  byName(name: string): Link | undefined {
    return this.#byName.get(name);
  }

  byIndex(index: number): Link | undefined {
    return this.#byIndex.get(index);
  }

  /** The link that has this address; of several the one that was told first. */
  byAddress(address: Ip): Link | undefined {
    for (const known of this.#addresses.values()) if (known.address === address) return this.#byIndex.get(known.index);
    return undefined;
  }

  links(): Iterable<Link> {
    return this.#byIndex.values();
  }

  addresses(): Iterable<LinkAddress> {
    return this.#addresses.values();
  }

  /** Told of every change, in order: a link that went down and came up again is two changes. */
  onLink(listener: LinkListener): void {
    this.#linkListeners.push(listener);
  }

  /** Told when any address came or went. */
  onAddress(listener: () => void): void {
    this.#addressListeners.push(listener);
  }

  /** Reads everything from the kernel and tells what has changed. */
  resync(): void {
    const links = dumpLinks(this.#socket);
    const present = new Set(links.map((link) => link.index));
    for (const link of [...this.#byIndex.values()]) if (!present.has(link.index)) this.#remove(link.index);
    for (const link of links) this.#set(link);
    const addresses = new Map(dumpAddresses(this.#socket).map((address) => [addressKey(address), address]));
    const same = addresses.size === this.#addresses.size && [...addresses.keys()].every((k) => this.#addresses.has(k));
    if (same) return;
    this.#addresses.clear();
    for (const [key, address] of addresses) this.#addresses.set(key, address);
    this.#tellAddresses();
  }

  /**
   * Takes in what the kernel told; other kinds of events are ignored. One event at a time goes to every driver, because
   * their order counts: a route told before its link went down is gone, one told after it is there. An overrun is the
   * caller's: call `resync`.
   */
  handle(event: KernelEvent): void {
    if (event.type === 'link') this.#set(event.link);
    else if (event.type === 'link-gone') this.#remove(event.link.index);
    else if (event.type === 'address' || event.type === 'address-gone') {
      const key = addressKey(event.address);
      const known = this.#addresses.has(key);
      if (event.type === 'address') this.#addresses.set(key, event.address);
      else this.#addresses.delete(key);
      if (known !== this.#addresses.has(key)) this.#tellAddresses();
    }
  }

  #set(link: Link): void {
    const before = this.#byIndex.get(link.index) ?? null;
    if (before && isDeepStrictEqual(before, link)) return;
    const renamed = before !== null && before.name !== link.name;
    if (renamed) this.#forgetName(before);
    this.#byIndex.set(link.index, link);
    this.#byName.set(link.name, link);
    if (renamed) this.#tell(before, null);
    this.#tell(renamed ? null : before, link);
  }

  #remove(index: number): void {
    const link = this.#byIndex.get(index);
    if (!link) return;
    this.#byIndex.delete(index);
    this.#forgetName(link);
    this.#tell(link, null);
  }

  /** Another link may have taken the name already. */
  #forgetName({ name, index }: Link): void {
    if (this.#byName.get(name)?.index === index) this.#byName.delete(name);
  }

  #tell(before: Link | null, after: Link | null): void {
    for (const listener of this.#linkListeners) listener(before, after);
  }

  #tellAddresses(): void {
    for (const listener of this.#addressListeners) listener();
  }
}

const addressKey = ({ index, address, prefixLength }: LinkAddress): string => `${index} ${address}/${prefixLength}`;
