/**
 * Keeps what the datastore says of this host's endpoints equal to what has become of them.
 *
 * The keys are one more table of desired and actual values: what is there is read once all endpoints have been told, and
 * again after anything went wrong and now and then; only what differs is written, and what is stale goes. While the
 * datastore is away the latest values wait. Nothing here keeps the dataplane waiting.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EndpointStatus } from '../../dataplane/index.ts';
import { type EndpointReport, FelixStatusKeys, type Store } from '../../datastore/index.ts';
import { Tracker } from '../../reconcile/index.ts';

export interface EndpointReporterOptions {
  readonly store: Store;
  readonly region: string;
  readonly host: string;
  /** From a change to its report, so that what flaps is written once. 0: at once. */
  readonly delayMs: number;
  readonly log: { warn(fields: object, message: string): void };
  /** Nothing is read or written before this: what another has on its way would overtake it. */
  readonly after?: Promise<void>;
  /** Ends early when the signal is aborted. */
  readonly sleep?: (milliseconds: number, signal: AbortSignal) => Promise<unknown>;
}

/** etcd takes 128 operations in a transaction. */
const BATCH = 100;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;
/** What others changed is found after so many delays, as with upstream's. */
const DELAYS_TO_RESYNC = 180;
const LEAST_RESYNC_MS = 60_000;

export class EndpointReporter {
  readonly #options: Required<EndpointReporterOptions>;
  readonly #keys: FelixStatusKeys;
  readonly #tracker = new Tracker<string, string>();
  readonly #stopping = new AbortController();
  /** Resolves when it writes no more, and nothing that it wrote is on its way. */
  readonly ended: Promise<void>;
  /** Ends when nothing is reported any more. */
  #withdrawn = false;
  /** Whether what is in the datastore is known. */
  #known = false;
  #wake = (): void => {};
  #told = Promise.withResolvers<void>();
  /** Keys written or deleted so far. */
  #writes = 0;

  constructor(options: EndpointReporterOptions) {
    this.#options = {
      ...options,
      after: options.after ?? Promise.resolve(),
      sleep: options.sleep ?? ((milliseconds, signal) => sleep(milliseconds, undefined, { signal, ref: false })),
    };
    this.#keys = new FelixStatusKeys(options.region, options.host);
    this.ended = this.#run();
  }

  /** Null: the endpoint is no longer here. */
  set(id: EndpointStatus['id'], status: EndpointStatus | null): void {
    const key = this.#keys.endpoint(id);
    if (key === null) return;
    if (status) this.#tracker.setDesired(key, reportOf(status));
    else this.#tracker.removeDesired(key);
    if (this.pending > 0) this.#wake();
  }

  /** Every endpoint of the host has been told: what is reported beyond them is stale. */
  allTold(): void {
    this.#told.resolve();
  }

  /** How many reports wait to be written. */
  get pending(): number {
    return this.#tracker.pendingWrites.size + this.#tracker.pendingDeletes.size;
  }

  get writes(): number {
    return this.#writes;
  }

  /** Nothing of this host is to be reported; then it ends. */
  withdraw(): void {
    this.#withdrawn = true;
    for (const key of [...this.#tracker.desired.keys()]) this.#tracker.removeDesired(key);
    this.allTold();
    this.#wake();
  }

  close(): void {
    this.#stopping.abort();
    this.#told.resolve();
  }

  async #run(): Promise<void> {
    const { after, delayMs, log } = this.#options;
    await after;
    await this.#told.promise;
    const resyncMs = Math.max(delayMs * DELAYS_TO_RESYNC, LEAST_RESYNC_MS);
    for (let failures = 0; !this.#stopped; ) {
      try {
        await this.#pause(delayMs);
        if (!this.#known) await this.#list();
        await this.#write();
        failures = 0;
        if (this.#withdrawn && this.pending === 0) return;
        if (!(await this.#changed(resyncMs))) this.#known = false;
      } catch (error) {
        // A write that failed may have happened.
        this.#known = false;
        if (failures === 0) log.warn({ error: String(error) }, 'endpoint status cannot be reported: trying again');
        await this.#pause(Math.min(FIRST_RETRY_MS * 2 ** failures++, LAST_RETRY_MS));
      }
    }
  }

  async #list(): Promise<void> {
    const found = new Map<string, string>();
    for (const prefix of this.#keys.endpointPrefixes) {
      for (const { key, value } of (await this.#options.store.list(prefix)).items) found.set(key, value);
    }
    this.#tracker.replaceActual(found);
    this.#known = true;
  }

  async #write(): Promise<void> {
    while (this.pending > 0 && !this.#stopped) {
      const { pendingWrites, pendingDeletes, desired } = this.#tracker;
      const writes = [
        ...[...pendingWrites].map((key) => ({ key, value: desired.get(key)! })),
        ...[...pendingDeletes].map((key) => ({ key, value: null })),
      ].slice(0, BATCH);
      await this.#options.store.transact([], writes);
      this.#writes += writes.length;
      for (const { key, value } of writes) {
        if (value === null) this.#tracker.removeActual(key);
        else this.#tracker.setActual(key, value);
      }
    }
  }

  /** Resolves to true at the next change; to false when there was none for so long. */
  async #changed(milliseconds: number): Promise<boolean> {
    if (this.pending > 0) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const stop = new AbortController();
    this.#wake = () => resolve(true);
    const signal = AbortSignal.any([stop.signal, this.#stopping.signal]);
    this.#options.sleep(milliseconds, signal).then(
      () => resolve(false),
      () => resolve(true),
    );
    try {
      return await promise;
    } finally {
      this.#wake = () => {};
      stop.abort();
    }
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #pause(milliseconds: number): Promise<void> {
    if (milliseconds > 0) await this.#options.sleep(milliseconds, this.#stopping.signal).catch(() => {});
  }
}

function reportOf({ state, problems }: EndpointStatus): string {
  const report: EndpointReport = problems.length > 0 ? { status: state, problems } : { status: state };
  return JSON.stringify(report);
}
