/**
 * Says in the datastore that this host's Felix is alive: one key that goes when nobody renews it, and one that stays. A
 * lease is renewed for as long as it lives, and not made anew for every report.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { FelixStatusKeys, type HostReport, type Store } from '../../datastore/index.ts';

export interface HostReporterOptions {
  readonly store: Store;
  readonly region: string;
  readonly host: string;
  readonly intervalMs: number;
  /** Of the key that goes; 0: it stays. */
  readonly ttlSeconds: number;
  readonly log: { warn(fields: object, message: string): void };
  /** Whether this process has not reported yet. Default true. */
  readonly first?: boolean;
  /** Of this process; default: its own. Seconds. */
  readonly uptime?: () => number;
  readonly now?: () => Date;
  /** Ends early when the signal is aborted. */
  readonly sleep?: (milliseconds: number, signal: AbortSignal) => Promise<unknown>;
}

/** A Felix that ends again at once has not been alive. */
const FIRST_REPORT_MS = 10_000;
const RETRY_MS = 2_000;

export class HostReporter {
  readonly #options: Required<HostReporterOptions>;
  readonly #keys: FelixStatusKeys;
  readonly #stopping = new AbortController();
  #lease: string | undefined;
  #reports = 0;

  constructor(options: HostReporterOptions) {
    this.#options = {
      ...options,
      first: options.first ?? true,
      uptime: options.uptime ?? (() => process.uptime()),
      now: options.now ?? (() => new Date()),
      sleep: options.sleep ?? ((milliseconds, signal) => sleep(milliseconds, undefined, { signal, ref: false })),
    };
    this.#keys = new FelixStatusKeys(options.region, options.host);
    void this.#run();
  }

  /** Reports so far. */
  get reports(): number {
    return this.#reports;
  }

  /** What is reported stays until its time is over. */
  close(): void {
    this.#stopping.abort();
  }

  async #run(): Promise<void> {
    const { uptime, intervalMs, log } = this.#options;
    await this.#pause(FIRST_REPORT_MS - uptime() * 1000);
    for (let failed = false; !this.#stopping.signal.aborted; ) {
      try {
        await this.#report();
        failed = false;
        await this.#pause(intervalMs);
      } catch (error) {
        if (!failed) log.warn({ error: String(error) }, 'host status cannot be reported: trying again');
        failed = true;
        await this.#pause(Math.min(intervalMs, RETRY_MS));
      }
    }
  }

  async #report(): Promise<void> {
    const { store, first, now, uptime } = this.#options;
    const lease = await this.#liveLease();
    const report: HostReport = {
      time: now()
        .toISOString()
        .replace(/\.\d+Z$/, 'Z'),
      uptime: uptime(),
      first_update: first && this.#reports === 0,
    };
    const value = JSON.stringify(report);
    await store.transact(
      [],
      [
        { key: this.#keys.status, value, ...(lease !== undefined && { lease }) },
        { key: this.#keys.lastReported, value },
      ],
    );
    this.#reports++;
  }

  async #liveLease(): Promise<string | undefined> {
    const { store, ttlSeconds } = this.#options;
    if (ttlSeconds <= 0) return undefined;
    if (this.#lease === undefined || !(await store.renewLease(this.#lease)))
      this.#lease = await store.grantLease(Math.ceil(ttlSeconds));
    return this.#lease;
  }

  async #pause(milliseconds: number): Promise<void> {
    if (milliseconds > 0) await this.#options.sleep(milliseconds, this.#stopping.signal).catch(() => {});
  }
}
