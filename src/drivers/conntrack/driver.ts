/**
 * Ends tracked connections of addresses that have gone or moved: without it packets of an old connection would go on
 * past the policy of whoever has the address next. One reading of the table serves any number of addresses.
 */
import type { CalicoError } from '../../errors/index.ts';
import {
  type Connection,
  type DumpState,
  decodeConnection,
  encodeConnectionDelete,
  encodeConnectionDump,
  kernelError,
  NETLINK_NETFILTER,
  NetlinkSocket,
} from '../../kernel/index.ts';
import { type Family, familyOf, type Ip } from '../../net/index.ts';
import type { ApplyResult, Clock } from '../../reconcile/index.ts';

/** Other work gets its turn after so many milliseconds. */
const SLICE_MS = 5;

export class ConntrackDriver {
  readonly #clock: Clock;
  #pending = new Set<Ip>();
  #running: Promise<ApplyResult> | null = null;

  constructor(options: { readonly clock: Clock }) {
    this.#clock = options.clock;
  }

  /** Connections from or to these addresses, before or after NAT, are to end at the next `apply`. */
  endConnections(addresses: Iterable<Ip>): void {
    for (const address of addresses) this.#pending.add(address);
  }

  /** True when `apply` has something to do. */
  get pending(): boolean {
    return this.#pending.size > 0;
  }

  /**
   * Reads the table once a family and ends what was asked for, in slices between which other work is done. What failed
   * is not tried again; throws E_KERNEL when the table cannot be read, which is.
   */
  async apply(): Promise<ApplyResult> {
    // One after the other: an address given during a round may already have been passed by.
    while (this.#running) await this.#running;
    const addresses = this.#pending;
    this.#pending = new Set();
    this.#running = this.#endAll(addresses);
    try {
      return await this.#running;
    } catch (error) {
      // The table could not be read: next time.
      this.endConnections(addresses);
      throw error;
    } finally {
      this.#running = null;
    }
  }

  async #endAll(addresses: ReadonlySet<Ip>): Promise<ApplyResult> {
    const errors = new Map<string, CalicoError>();
    let operations = 0;
    for (const family of [4, 6] as const) {
      const own = new Set([...addresses].filter((address) => familyOf(address) === family));
      if (own.size > 0) operations += await this.#endFamily(family, own, errors);
    }
    return { operations, errors, retryAt: null };
  }

  async #endFamily(family: Family, addresses: ReadonlySet<Ip>, errors: Map<string, CalicoError>): Promise<number> {
    // Sockets of its own: a dump that waits for its next slice must not be in the way of other requests.
    const reader = new NetlinkSocket(NETLINK_NETFILTER);
    const writer = new NetlinkSocket(NETLINK_NETFILTER);
    const wanted = (four: readonly Ip[]): boolean => four.some((address) => addresses.has(address));
    let operations = 0;
    try {
      const dump = reader.startDump('connections', (w) => encodeConnectionDump(w, family));
      for (let state: DumpState = 'more'; state === 'more'; await new Promise(setImmediate)) {
        const end = this.#clock() + SLICE_MS;
        const found: Connection[] = [];
        while (state === 'more' && this.#clock() < end) {
          state = reader.continueDump('connections', dump, (message) => {
            const connection = decodeConnection(message, family, wanted);
            if (connection) found.push(connection);
          });
        }
        operations += this.#delete(writer, found, errors);
      }
    } finally {
      reader.close();
      writer.close();
    }
    return operations;
  }

  #delete(writer: NetlinkSocket, found: readonly Connection[], errors: Map<string, CalicoError>): number {
    const failures = writer.batch(found, encodeConnectionDelete);
    for (const [i, failure] of failures) {
      const subject = (found[i] as Connection).addresses.join(' ');
      // It has ended by itself.
      if (failure.name !== 'ENOENT') errors.set(subject, kernelError(subject, 'cannot end the connection', failure));
    }
    return found.length;
  }
}
