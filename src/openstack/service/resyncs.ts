/** Resyncs again and again while this service is elected, or when it is asked to. */
import type { Logger } from 'pino';
import type { Metrics } from './metrics.ts';
import { newProgress, type Progress, type ResyncOptions, resync } from './resync.ts';

const FAILED_SECONDS = 10;

export class Resyncs {
  readonly #options: ResyncOptions & { readonly seconds: number };
  readonly #metrics: Metrics;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<boolean> | undefined;
  #progress: Progress = newProgress();
  #active = false;

  constructor(options: ResyncOptions & { readonly seconds: number }, metrics: Metrics, log: Logger) {
    this.#options = options;
    this.#metrics = metrics;
    this.#log = log;
  }

  /** Of the resync under way, or else the last. */
  get progress(): Progress {
    return this.#progress;
  }

  start(): void {
    this.#active = true;
    void this.#turn();
  }

  stop(): void {
    this.#active = false;
    clearTimeout(this.#timer);
  }

  /** Resolves to whether everything was compared. */
  async once(): Promise<boolean> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #turn(): Promise<void> {
    const done = await this.once();
    if (!this.#active) return;
    const seconds = done ? this.#options.seconds : Math.min(FAILED_SECONDS, this.#options.seconds);
    this.#timer = setTimeout(() => void this.#turn(), seconds * 1000);
  }

  async #run(): Promise<boolean> {
    const progress = newProgress();
    this.#progress = progress;
    try {
      await resync(this.#options, progress);
      this.#metrics.resynced(progress);
      this.#log.info(progress, 'resynchronised');
      return true;
    } catch (error) {
      this.#metrics.failures.inc();
      this.#log.error(
        { ...progress, error: String(error) },
        'not resynchronised: nothing was deleted that is not listed',
      );
      return false;
    }
  }
}
