/** How large packets can be that leave this host: the smallest MTU of its interfaces towards others. */
import type { LinkTable } from '../drivers/links/index.ts';
import type { Link } from '../kernel/index.ts';
import type { Ip } from '../net/index.ts';
import type { WarningLog } from './log.ts';

/** Of a tunnel's device. */
export interface MtuRule {
  /** Whatever the host's interfaces can carry. */
  readonly exactly?: number;
  /** What they can carry, but no more than that; absent: as much as they can. */
  readonly most?: number;
}

/** Where no interface is known. */
const USUAL = 1500;

export class HostMtu {
  readonly #links: LinkTable;
  readonly #pattern: RegExp;
  readonly #onChange: () => void;
  readonly #log: WarningLog;
  /** Devices that are to carry more than the host can. */
  readonly #warned = new Set<string>();
  readonly #addresses = new Set<Ip>();

  /** `pattern`: names of interfaces towards others; those with this host's addresses count in any case. */
  constructor(links: LinkTable, pattern: RegExp, log: WarningLog, onChange: () => void) {
    this.#links = links;
    this.#pattern = pattern;
    this.#log = log;
    this.#onChange = onChange;
    links.onLink((before, after) => {
      if (before?.mtu !== after?.mtu && (this.#counts(before) || this.#counts(after))) onChange();
    });
  }

  /** This host's own. */
  setAddresses(addresses: readonly Ip[]): void {
    this.#addresses.clear();
    for (const address of addresses) this.#addresses.add(address);
    this.#onChange();
  }

  /** The MTU of a tunnel's device. `overhead`: what encapsulation adds to a packet, bytes. */
  within({ exactly, most = Number.POSITIVE_INFINITY }: MtuRule, overhead: number, device: string): number {
    const found = this.#host() - overhead;
    if (exactly === undefined || exactly <= found) this.#warned.delete(device);
    else if (!this.#warned.has(device)) {
      this.#warned.add(device);
      const text = `the configured MTU, ${exactly}, is more than this host's interfaces can carry: ${found}`;
      this.#log.warn({ device }, text);
    }
    return exactly ?? Math.min(most, found);
  }

  #host(): number {
    const all = [...this.#links.links()].filter((link) => this.#counts(link)).map(({ mtu }) => mtu);
    return all.length > 0 ? Math.min(...all) : USUAL;
  }

  #counts(link: Link | null): boolean {
    if (!link) return false;
    if (this.#pattern.test(link.name)) return true;
    return [...this.#addresses].some((address) => this.#links.byAddress(address)?.index === link.index);
  }
}
