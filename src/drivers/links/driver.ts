/**
 * Links that are to be as they are told, and links that are not to be. Tunnels are made where they are not there, those of
 * VXLAN made anew where a parameter differs that a living one cannot change. All others are left alone.
 */
import { isDeepStrictEqual } from 'node:util';
import { CalicoError } from '../../errors/index.ts';
import {
  encodeAddressAdd,
  encodeAddressDelete,
  encodeLinkAdd,
  encodeLinkChange,
  encodeLinkDelete,
  type Failure,
  kernelError,
  type Link,
  type LinkChange,
  type NetlinkSocket,
  type Vxlan,
} from '../../kernel/index.ts';
import { addressOf, type Cidr, cidrOf, familyOf, type Ip, lengthOf } from '../../net/index.ts';
import { type ApplyResult, type Clock, dumpTracker, inWords, type TableDump, Tracker } from '../../reconcile/index.ts';
import type { LinkTable } from './table.ts';

/** What is left out stays as it is. */
export interface LinkSettings extends LinkChange {
  /** The link's only address of this address' family. */
  readonly address?: Ip;
  /** It is a VXLAN device, over the link that has the local address. */
  readonly vxlan?: { readonly id: number; readonly port: number; readonly local: Ip };
  /** It is the IP-in-IP tunnel of the kernel's module. */
  readonly ipip?: true;
}

interface LinkState extends LinkChange {
  readonly addresses: readonly Cidr[];
  readonly vxlan?: Vxlan | undefined;
  readonly ipip?: true;
}

export class LinkDriver {
  readonly #socket: NetlinkSocket;
  readonly #links: LinkTable;
  readonly #clock: Clock;
  readonly #wanted = new Map<string, LinkSettings>();
  readonly #unwanted = new Set<string>();
  /** By name. Desired: the state of links that something is wanted of. Actual: of those, and of those that are to go. */
  readonly #tracker = new Tracker<string, LinkState>(meets);

  constructor(options: { readonly socket: NetlinkSocket; readonly links: LinkTable; readonly clock: Clock }) {
    this.#socket = options.socket;
    this.#links = options.links;
    this.#clock = options.clock;
    this.#links.onLink((before, after) => {
      for (const name of new Set([before?.name, after?.name])) if (name) this.#refresh(name);
    });
    this.#links.onAddress(() => {
      for (const name of this.#wanted.keys()) this.#refresh(name);
    });
  }

  setDesired(name: string, settings: LinkSettings): void {
    this.#unwanted.delete(name);
    this.#wanted.set(name, settings);
    this.#refresh(name);
  }

  /** There is to be no such link. */
  setAbsent(name: string): void {
    this.#wanted.delete(name);
    this.#unwanted.add(name);
    this.#refresh(name);
  }

  /** The link stays as it is. */
  removeDesired(name: string): void {
    this.#wanted.delete(name);
    this.#unwanted.delete(name);
    this.#refresh(name);
  }

  dump(): TableDump[] {
    return [dumpTracker('links', this.#tracker, inFixedOrder)];
  }

  /** A link that is made here gets its address once the kernel has told of it: that is another round. */
  apply(): ApplyResult {
    const now = this.#clock();
    this.#tracker.release(now);
    const writes = [...this.#tracker.pendingWrites];
    const deletes = [...this.#tracker.pendingDeletes];
    const errors = new Map<string, CalicoError>();
    const done = (name: string, error: CalicoError | null, reached: () => void) => {
      if (error) {
        this.#tracker.failed(name, now, error);
        errors.set(name, error);
      } else reached();
    };
    for (const name of writes) {
      const wanted = this.#tracker.desired.get(name) as LinkState;
      done(name, this.#write(name, wanted), () => this.#tracker.setActual(name, wanted));
    }
    for (const name of deletes) {
      const failure = this.#delete(this.#links.byName(name) as Link);
      const error = failure && kernelError(name, 'cannot delete the link', failure);
      done(name, error, () => this.#tracker.removeActual(name));
    }
    return { operations: writes.length + deletes.length, errors, retryAt: this.#tracker.nextDue() };
  }

  #write(name: string, wanted: LinkState): CalicoError | null {
    const link = this.#links.byName(name);
    if (link && (!wanted.vxlan || isDeepStrictEqual(wanted.vxlan, link.vxlan))) {
      const failure = this.#change(link, wanted);
      return failure && kernelError(name, 'cannot change the link', failure);
    }
    const { vxlan } = wanted;
    if (!vxlan) return wanted.ipip ? this.#makeIpip(name) : null;
    if (vxlan.link === 0) {
      return new CalicoError('E_KERNEL', name, `no interface has the address ${vxlan.local}`, {
        hint: "is it the Node's spec.bgp.ipv4Address?",
      });
    }
    const failure =
      (link && this.#delete(link)) ||
      this.#socket.request((w) => encodeLinkAdd(w, { ...wanted, name, vxlan, kind: 'vxlan' }));
    return failure && kernelError(name, 'cannot make the VXLAN device', failure);
  }

  /** Asking for it makes the kernel load the module, which may bring the device by itself. */
  #makeIpip(name: string): CalicoError | null {
    const failure = this.#socket.request((w) => encodeLinkAdd(w, { name, kind: 'ipip' }));
    if (!failure || failure.name === 'EEXIST') return null;
    const error = kernelError(name, 'cannot make the IP-in-IP device', failure);
    return new CalicoError('E_KERNEL', name, error.message, { hint: 'does this kernel have the module ipip?' });
  }

  /** An address is added even where the MTU is refused. */
  #change(link: Link, wanted: LinkState): Failure | null {
    const { index } = link;
    const current = stateOf(link, this.#links);
    const change = differing(wanted, current);
    const add = wanted.addresses.filter((address) => !current.addresses.includes(address));
    const failures = [
      this.#socket.batch(change ? [change] : [], (w, settings) => encodeLinkChange(w, index, settings)),
      this.#socket.batch(add, (w, address) => encodeAddressAdd(w, linkAddress(index, address))),
      this.#socket.batch(superfluous(wanted, current), (w, address) =>
        encodeAddressDelete(w, linkAddress(index, address)),
      ),
    ];
    // One that has just gone: its notification is on the way.
    return failures.flatMap((failed) => [...failed.values()]).find(({ name }) => name !== 'ENODEV') ?? null;
  }

  #delete({ index }: Link): Failure | null {
    const failure = this.#socket.request((w) => encodeLinkDelete(w, index));
    return failure?.name === 'ENODEV' ? null : failure;
  }

  #refresh(name: string): void {
    const settings = this.#wanted.get(name);
    if (!settings && !this.#unwanted.has(name)) {
      this.#tracker.removeDesired(name);
      this.#tracker.removeActual(name);
      return;
    }
    const link = this.#links.byName(name);
    if (link) this.#tracker.setActual(name, stateOf(link, this.#links));
    else this.#tracker.removeActual(name);
    // A link that is no tunnel comes from elsewhere, or not at all.
    if (settings && (link || settings.vxlan || settings.ipip)) this.#setDesired(name, settings);
    else this.#tracker.removeDesired(name);
  }

  /** Only if it is another: what failed waits its time. */
  #setDesired(name: string, { address, vxlan, ...rest }: LinkSettings): void {
    const parent = vxlan && this.#links.byAddress(vxlan.local);
    const state: LinkState = {
      ...rest,
      addresses: address === undefined ? [] : [cidrOf(address)],
      ...(vxlan && { vxlan: { ...vxlan, link: parent?.index ?? 0, learning: false } }),
    };
    if (!isDeepStrictEqual(this.#tracker.desired.get(name), state)) this.#tracker.setDesired(name, state);
  }
}

function stateOf({ index, up, mtu, mac, vxlan }: Link, links: LinkTable): LinkState {
  const own = [...links.addresses()].filter((address) => address.index === index);
  return { up, mtu, mac, vxlan, addresses: own.map(({ address, prefixLength }) => cidrText(address, prefixLength)) };
}

/** Wanted and found in the same words. */
function inFixedOrder({ up, mtu, mac, vxlan, addresses }: LinkState): string {
  const given = addresses.filter((address) => !isLinkLocal(address));
  return inWords({ up, mtu, mac, vxlan, addresses: given.join(' ') || undefined });
}

/** Not the prefix: the address within it. */
const cidrText = (address: Ip, length: number): Cidr => `${address}/${length}` as Cidr;

const linkAddress = (index: number, address: Cidr) => ({
  index,
  family: familyOf(address),
  address: addressOf(address),
  prefixLength: lengthOf(address),
});

/** Only that: a MAC that is set again costs the link its neighbours. Null: all is as wanted. */
function differing({ up, mtu, mac }: LinkState, actual: LinkState): LinkChange | null {
  const change: LinkChange = {
    ...(up !== undefined && up !== actual.up && { up }),
    ...(mtu !== undefined && mtu !== actual.mtu && { mtu }),
    ...(mac !== undefined && mac !== actual.mac && { mac }),
  };
  return Object.keys(change).length > 0 ? change : null;
}

/** What the kernel gives a link by itself. */
const isLinkLocal = (address: Cidr): boolean => /^fe[89ab]/.test(address);

/** Addresses beside the wanted one. */
function superfluous(wanted: LinkState, actual: LinkState): Cidr[] {
  const families = new Set(wanted.addresses.map(familyOf));
  return actual.addresses.filter(
    (address) => families.has(familyOf(address)) && !wanted.addresses.includes(address) && !isLinkLocal(address),
  );
}

function meets(wanted: LinkState, actual: LinkState): boolean {
  return (
    differing(wanted, actual) === null &&
    (wanted.vxlan === undefined || isDeepStrictEqual(wanted.vxlan, actual.vxlan)) &&
    wanted.addresses.every((address) => actual.addresses.includes(address)) &&
    superfluous(wanted, actual).length === 0
  );
}
