/** Links that are to be up, or to have an MTU. It makes and removes none, and leaves all others alone. */
import type { CalicoError } from '../../errors/index.ts';
import { encodeLinkChange, kernelError, type Link, type NetlinkSocket } from '../../kernel/index.ts';
import { type ApplyResult, type Clock, Tracker } from '../../reconcile/index.ts';
import type { LinkTable } from './table.ts';

export interface LinkSettings {
  readonly up?: boolean;
  readonly mtu?: number;
}

export class LinkDriver {
  readonly #socket: NetlinkSocket;
  readonly #links: LinkTable;
  readonly #clock: Clock;
  readonly #wanted = new Map<string, LinkSettings>();
  /** By name; only links that exist and that something is desired of. */
  readonly #tracker = new Tracker<string, LinkSettings>(meets);

  constructor(options: { readonly socket: NetlinkSocket; readonly links: LinkTable; readonly clock: Clock }) {
    this.#socket = options.socket;
    this.#links = options.links;
    this.#clock = options.clock;
    this.#links.onLink((before, after) => {
      for (const name of new Set([before?.name, after?.name])) if (name && this.#wanted.has(name)) this.#refresh(name);
    });
  }

  setDesired(name: string, settings: LinkSettings): void {
    this.#wanted.set(name, settings);
    this.#refresh(name);
  }

  /** The link stays as it is. */
  removeDesired(name: string): void {
    this.#wanted.delete(name);
    this.#refresh(name);
  }

  apply(): ApplyResult {
    const now = this.#clock();
    this.#tracker.release(now);
    const names = [...this.#tracker.pendingWrites];
    const failures = this.#socket.batch(names, (w, name) =>
      encodeLinkChange(w, (this.#links.byName(name) as Link).index, this.#tracker.desired.get(name) as LinkSettings),
    );
    const errors = new Map<string, CalicoError>();
    for (const [i, name] of names.entries()) {
      const failure = failures.get(i);
      if (!failure) {
        this.#tracker.setActual(name, this.#tracker.desired.get(name) as LinkSettings);
        continue;
      }
      this.#tracker.failed(name, now);
      errors.set(name, kernelError(name, 'cannot change the link', failure));
    }
    return { operations: names.length, errors, retryAt: this.#tracker.nextDue() };
  }

  #refresh(name: string): void {
    const link = this.#links.byName(name);
    const wanted = this.#wanted.get(name);
    if (link) this.#tracker.setActual(name, { up: link.up, mtu: link.mtu });
    if (link && wanted) this.#tracker.setDesired(name, wanted);
    else this.#tracker.removeDesired(name);
    if (!link || !wanted) this.#tracker.removeActual(name);
  }
}

function meets(wanted: LinkSettings, actual: LinkSettings): boolean {
  return (wanted.up ?? actual.up) === actual.up && (wanted.mtu ?? actual.mtu) === actual.mtu;
}
