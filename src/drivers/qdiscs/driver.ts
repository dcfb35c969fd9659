/**
 * Bandwidth limits of workloads' interfaces: token buckets, and what leads there.
 *
 * What goes to a workload leaves by its interface, and waits in a token bucket at that interface's root. What comes from
 * it only arrives, and nothing can wait there: it is redirected to a link of its own (an IFB) with a token bucket at its
 * root, and goes on from there as if it had just come in.
 *
 *     cali1 ── ingress qdisc ── filter: redirect ──► bwcali… ── token bucket ──► (back) ──► routing
 *
 * Each is a table with entries that wait until their link is there: a bucket for its interface or IFB, a redirect for both.
 * IFBs are known by their name. Root buckets on workloads' interfaces, and ingress qdiscs with a redirect to an IFB of
 * ours, are ours; qdiscs of other kinds, and on other links, are left alone.
 */
import { CalicoError } from '../../errors/index.ts';
import {
  dumpQdiscs,
  dumpRedirects,
  encodeIfbCreate,
  encodeIngressAdd,
  encodeIngressDelete,
  encodeLinkDelete,
  encodeRedirectAdd,
  encodeRedirectDelete,
  encodeRootDelete,
  encodeTokenBucketReplace,
  type KernelQdisc,
  type KernelRedirect,
  type KernelTokenBucket,
  type Link,
  type NetlinkSocket,
  type Refusal,
  sameBucket,
} from '../../kernel/index.ts';
import {
  type ApplyResult,
  type Clock,
  dumpTracker,
  mergeResults,
  type TableDump,
  Tracker,
} from '../../reconcile/index.ts';
import type { LinkTable } from '../links/index.ts';
import { applyTable, type NetlinkTable } from '../netlink-table.ts';
import { type BandwidthLimits, IFB_PREFIX, ifbName, tokenBucket } from './limits.ts';

export interface QdiscDriverOptions {
  readonly socket: NetlinkSocket;
  readonly links: LinkTable;
  /** Interfaces on which limits that are not desired go. */
  readonly ownsInterface: (name: string) => boolean;
  readonly clock: Clock;
}

/** A kernel without token buckets, IFBs or filters answers ENOENT, among others: that is to be told. */
const goneOnWrite: ReadonlySet<string> = new Set(['ENODEV']);

/** `index` is 0 until it is there. */
interface Ifb {
  readonly name: string;
  readonly mtu: number;
  readonly index: number;
}

export class QdiscDriver {
  readonly #options: QdiscDriverOptions;
  readonly #wanted = new Map<string, BandwidthLimits>();
  /** IFB → the interface that it is for. */
  readonly #ifbs = new Map<string, string>();
  readonly #buckets: NetlinkTable<KernelTokenBucket>;
  readonly #hooks: NetlinkTable<{ readonly link: number }>;
  readonly #redirects: NetlinkTable<KernelRedirect>;
  readonly #links: NetlinkTable<Ifb>;

  constructor(options: QdiscDriverOptions) {
    this.#options = options;
    const { socket } = options;
    this.#buckets = {
      socket,
      tracker: new Tracker((a, b) => a.link === b.link && sameBucket(a, b)),
      noun: 'bandwidth limit',
      goneOnWrite,
      encodeReplace: encodeTokenBucketReplace,
      encodeDelete: encodeRootDelete,
    };
    this.#hooks = {
      socket,
      tracker: new Tracker((a, b) => a.link === b.link),
      noun: 'ingress qdisc',
      goneOnWrite,
      encodeReplace: encodeIngressAdd,
      encodeDelete: encodeIngressDelete,
      onDeleted: ({ link }) => this.#redirects.tracker.removeActual(options.links.byIndex(link)?.name ?? ''),
    };
    this.#redirects = {
      socket,
      tracker: new Tracker((a, b) => a.link === b.link && a.to === b.to),
      noun: 'redirect',
      goneOnWrite,
      encodeReplace: encodeRedirectAdd,
      encodeDelete: encodeRedirectDelete,
    };
    this.#links = {
      socket,
      // There is nothing of an IFB to change: it is there or not.
      tracker: new Tracker(() => true),
      noun: 'link',
      goneOnWrite,
      encodeReplace: encodeIfbCreate,
      encodeDelete: (w, { index }) => encodeLinkDelete(w, index),
    };
    options.links.onLink((before, after) => this.#linkChanged(before, after));
  }

  /** Limits wait until the interface is there. */
  setDesired(device: string, limits: BandwidthLimits): void {
    this.#wanted.set(device, limits);
    if (limits.egress) this.#ifbs.set(ifbName(device), device);
    else this.#ifbs.delete(ifbName(device));
    this.#refresh(device);
  }

  removeDesired(device: string): void {
    if (!this.#wanted.delete(device)) return;
    this.#ifbs.delete(ifbName(device));
    this.#refresh(device);
  }

  /** What waits because it failed, by interface or IFB. */
  get failures(): ReadonlyMap<string, CalicoError> {
    return new Map(this.#tables().flatMap(({ tracker }) => [...tracker.failures]));
  }

  /** Why the limits of an interface are not all there. */
  failuresOf(device: string): CalicoError[] {
    if (this.#tables().every(({ tracker }) => tracker.failures.size === 0)) return [];
    const names = [device, ifbName(device)];
    return this.#tables().flatMap(({ tracker }) => names.flatMap((name) => tracker.failures.get(name) ?? []));
  }

  /** Is something of the interface's limits still to be written? */
  isPending(device: string): boolean {
    const names = [device, ifbName(device)];
    return this.#tables().some(({ tracker }) => names.some((name) => tracker.pendingWrites.has(name)));
  }

  dump(): TableDump[] {
    return this.#tables().map(({ noun, tracker }) => dumpTracker<unknown>(`bandwidth: ${noun}`, tracker));
  }

  /** Reads the kernel's qdiscs, and the filters where there are any. */
  resync(): void {
    const { socket, links, ownsInterface } = this.#options;
    const buckets = new Map<string, KernelTokenBucket>();
    const hooks = new Map<string, { link: number }>();
    const redirects = new Map<string, KernelRedirect>();
    for (const { link, at, kind, bucket } of qdiscsThatAre(socket)) {
      const name = links.byIndex(link)?.name;
      if (name === undefined || !(this.#wanted.has(name) || ownsInterface(name) || isIfb(name))) continue;
      if (bucket && at === 'root') buckets.set(name, { link, ...bucket });
      if (kind !== 'ingress') continue;
      const redirect = dumpRedirects(socket, link).find(({ to }) => to === 0 || isIfb(links.byIndex(to)?.name ?? ''));
      if (redirect) redirects.set(name, redirect);
      if (redirect || this.#wanted.get(name)?.egress) hooks.set(name, { link });
    }
    this.#buckets.tracker.replaceActual(buckets);
    this.#hooks.tracker.replaceActual(hooks);
    this.#redirects.tracker.replaceActual(redirects);
    const ifbs = [...links.links()].filter(({ name }) => isIfb(name));
    this.#links.tracker.replaceActual(new Map(ifbs.map((link) => [link.name, link])));
  }

  /** An IFB that is made is used in the apply that follows the notification of it. */
  apply(): ApplyResult {
    const now = this.#options.clock();
    // A filter cannot be changed, and a second one would never see a packet.
    const { tracker } = this.#redirects;
    const stale = [...tracker.pendingWrites].flatMap((key) => tracker.actual.get(key) ?? []);
    this.#options.socket.batch(stale, encodeRedirectDelete);
    return mergeResults(
      applyTable(this.#buckets, now),
      applyTable(this.#hooks, now),
      applyTable(this.#redirects, now),
      applyTable(this.#links, now),
    );
  }

  #tables() {
    return [this.#links, this.#buckets, this.#hooks, this.#redirects];
  }

  /** What is desired of the interface and of its IFB, as far as their links are there. */
  #refresh(device: string): void {
    const { links } = this.#options;
    const name = ifbName(device);
    const link = links.byName(device);
    const ifb = links.byName(name);
    const { ingress, egress } = (link && this.#wanted.get(device)) ?? {};
    want(this.#buckets, device, ingress && link && { link: link.index, ...tokenBucket(ingress, link.mtu) });
    want(this.#buckets, name, egress && link && ifb && { link: ifb.index, ...tokenBucket(egress, link.mtu) });
    want(this.#hooks, device, egress && link && { link: link.index });
    want(this.#redirects, device, egress && link && ifb && { link: link.index, to: ifb.index });
    want(this.#links, name, egress && link && { name, mtu: link.mtu, index: 0 });
  }

  #linkChanged(before: Link | null, after: Link | null): void {
    const name = (after ?? before)?.name ?? '';
    if (isIfb(name)) {
      if (after) this.#links.tracker.setActual(name, after);
      else this.#links.tracker.removeActual(name);
    }
    if (before && !after) this.#linkGone(before);
    const device = this.#ifbs.get(name) ?? name;
    if (this.#wanted.has(device)) this.#refresh(device);
  }

  /** Qdiscs and filters go with their link, and stay with one that has a new name. */
  #linkGone(before: Link): void {
    const renamed = this.#options.links.byIndex(before.index);
    follow(this.#buckets, before.name, renamed);
    follow(this.#hooks, before.name, renamed);
    follow(this.#redirects, before.name, renamed);
  }
}

/** None on a kernel without traffic control. */
function qdiscsThatAre(socket: NetlinkSocket): KernelQdisc[] {
  try {
    return dumpQdiscs(socket);
  } catch (error) {
    if (error instanceof CalicoError && (error.cause as Refusal | undefined)?.name === 'EOPNOTSUPP') return [];
    throw error;
  }
}

function want<V>({ tracker }: NetlinkTable<V>, key: string, value: V | undefined): void {
  if (value === undefined) tracker.removeDesired(key);
  else tracker.setDesired(key, value);
}

function follow<V>({ tracker }: NetlinkTable<V>, name: string, renamed: Link | undefined): void {
  const there = tracker.actual.get(name);
  tracker.removeActual(name);
  if (there !== undefined && renamed) tracker.setActual(renamed.name, there);
}

const isIfb = (name: string): boolean => name.startsWith(IFB_PREFIX);
