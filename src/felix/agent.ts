/**
 * Puts the configuration in force, the first and every other one, and hands what calc tells to the dataplane.
 *
 * Only what a change touches is done anew. Where the dataplane's settings change, another dataplane takes the place of the
 * present one: it reads the kernel and writes what differs, as after a restart. What cannot be put in force leaves what
 * is in force as it is, and is tried again; only a dataplane that cannot be had at the start ends Felix.
 */
import type { DataplaneUpdate, RouteSource } from '../calc/index.ts';
import type { ConfigProblem, FelixConfig } from '../config/index.ts';
import type { RoundOutcome } from '../dataplane/index.ts';
import { Enforcement } from './enforcement.ts';
import type { Health } from './health.ts';
import type { LocalConfig } from './local.ts';
import type { LogConfig, Logger } from './log.ts';
import type { Metrics } from './metrics/index.ts';
import type { Observed } from './observed.ts';
import { dataplaneConfig, hostFacts } from './settings.ts';

/** Changes that come together are one, milliseconds. */
const SETTLE = 50;
/** From the start, routes that nobody has told of yet are tolerated so long, milliseconds. */
const ROUTE_GRACE = 10_000;
/** Until the metadata service's name is looked up again, milliseconds. */
const LOOKUP_RETRY = 30_000;
/** Until what could not be put in force is tried again, milliseconds. */
const RETRY = 5_000;

export interface AgentParts {
  readonly local: LocalConfig;
  readonly log: Logger;
  readonly health: Health;
  readonly observed: Observed;
  readonly configureLogs: (config: LogConfig) => void;
  /** Has everything told again. */
  readonly retell: () => void;
  readonly setRouteSource: (source: RouteSource) => void;
}

export class Agent {
  readonly #parts: AgentParts;
  #enforcement: Enforcement | undefined;
  /** Of the dataplane that is in force. */
  #settings = '';
  #graceEnds = 0;
  #config: FelixConfig | undefined;
  #wanted: FelixConfig | undefined;
  /** The last one that was not refused. */
  #latest = '';
  #changing = false;
  #retry: NodeJS.Timeout | undefined;
  #refusals: string[] = [];
  readonly #failed = new Map<string, string>();
  #problems = '';
  #metrics: Metrics | undefined;
  #metricsSettings = '';

  constructor(parts: AgentParts) {
    this.#parts = parts;
  }

  onUpdate(update: DataplaneUpdate): void {
    if (update.type === 'config') this.#onConfig(update);
    // A dataplane that comes later is told everything again.
    else this.#enforcement?.dataplane.onUpdate(update);
  }

  #onConfig(update: Extract<DataplaneUpdate, { type: 'config' }>): void {
    const { config, problems } = this.#parts.local.resolve(update);
    this.#tell(problems);
    const isFatal = problems.some(({ fatal }) => fatal);
    if (isFatal && !this.#wanted && !this.#config) process.exit(1);
    this.#refusals = problems.filter(({ fatal }) => fatal).map(({ subject, message }) => `${subject}: ${message}`);
    this.#noteRefusals();
    if (isFatal) this.#parts.log.error({}, 'the configuration is refused: the last good one stays in force');
    else if (fingerprint(config) !== this.#latest) {
      this.#latest = fingerprint(config);
      this.#want(config);
    }
  }

  /** What has been told is not told again. */
  #tell(problems: readonly ConfigProblem[]): void {
    const text = JSON.stringify(problems);
    if (text === this.#problems) return;
    this.#problems = text;
    for (const { subject, message, fatal } of problems) this.#parts.log[fatal ? 'fatal' : 'warn']({ subject }, message);
  }

  #want(config: FelixConfig): void {
    this.#wanted = config;
    if (this.#changing) return;
    this.#changing = true;
    this.#change()
      .catch((error) => this.#end(error))
      .finally(() => {
        this.#changing = false;
      });
  }

  async #change(): Promise<void> {
    while (this.#wanted) {
      if (this.#config) await new Promise((resolve) => setTimeout(resolve, SETTLE));
      const config = this.#wanted;
      this.#wanted = undefined;
      this.#parts.configureLogs(config);
      this.#parts.observed.reports.configure(config);
      this.#parts.setRouteSource(config.routeSource || 'CalicoIPAM');
      await this.#part('health', () => this.#serveHealth(config));
      await this.#part('metrics', () => this.#serveMetrics(config));
      await this.#part('dataplane', () => this.#enforce(config));
      this.#config = config;
      if (this.#failed.size > 0) this.#againIn(RETRY, config);
    }
  }

  /** Puts the configuration in force once more, if it is still the one that is wanted then. */
  #againIn(milliseconds: number, config: FelixConfig): void {
    clearTimeout(this.#retry);
    const again = () => {
      if (this.#config === config && !this.#wanted) this.#want(config);
    };
    this.#retry = setTimeout(again, milliseconds).unref();
  }

  /** A part that cannot be had keeps the others from nothing: without metrics Felix polices, too. */
  async #part(part: string, change: () => Promise<void>): Promise<void> {
    try {
      await change();
      this.#failed.delete(part);
    } catch (error) {
      if (!this.#config && part === 'dataplane') throw error;
      const failure = `${part}: ${error}`;
      if (this.#failed.get(part) !== failure)
        this.#parts.log.error(
          { part, error: String(error) },
          'the configuration cannot be put in force, to be tried again',
        );
      this.#failed.set(part, failure);
    }
    this.#noteRefusals();
  }

  #noteRefusals(): void {
    this.#parts.observed.refused = [...this.#refusals, ...this.#failed.values()];
  }

  async #serveHealth({ healthEnabled, healthHost, healthPort }: FelixConfig): Promise<void> {
    const { health } = this.#parts;
    await (healthEnabled ? health.serve(healthHost, healthPort) : health.close());
  }

  async #serveMetrics(config: FelixConfig): Promise<void> {
    const which = { process: config.prometheusProcessMetricsEnabled, runtime: config.prometheusGoMetricsEnabled };
    const settings = JSON.stringify([config.prometheusMetricsEnabled, which]);
    if (settings !== this.#metricsSettings) {
      await this.#metrics?.close();
      this.#metrics = config.prometheusMetricsEnabled ? await this.#openMetrics(which) : undefined;
      this.#metricsSettings = settings;
    }
    await this.#metrics?.serve(config.prometheusMetricsHost, config.prometheusMetricsPort);
  }

  async #openMetrics(which: { process: boolean; runtime: boolean }): Promise<Metrics> {
    // Loaded only when wanted: it is a tenth of the program.
    const { Metrics } = await import('./metrics/index.ts');
    return new Metrics(this.#parts.observed, which);
  }

  async #enforce(config: FelixConfig): Promise<void> {
    const { log, health, observed, retell } = this.#parts;
    const { reports } = observed;
    const host = await hostFacts(config);
    this.#warn(config, host);
    const settings = dataplaneConfig(config, host);
    const { encapsulations, ...others } = settings;
    const before = this.#enforcement;
    if (before && JSON.stringify(others) === this.#settings) {
      before.dataplane.configureEncapsulations(encapsulations);
      return;
    }
    const now = performance.now();
    if (!before) this.#graceEnds = now + ROUTE_GRACE;
    const next = await Enforcement.open(settings, {
      log,
      graceMs: Math.max(0, this.#graceEnds - now),
      onRound: (seconds, outcome, work) => {
        observed.onRound(seconds, outcome, work);
        health.report('dataplane', outcome !== 'failed', inShort(outcome, next.dataplane.undone));
      },
      onKernelEvents: (events) => observed.onKernelEvents(events),
      onEndpointStatus: reports.onEndpointStatus,
      onEndpointsTold: () => reports.onAllTold(),
      onDeaf: (error) => this.#end(error),
    });
    // It writes no more, even where it cannot be closed: the next one must take its place.
    await before?.close().catch((error) => {
      log.error({ error: String(error) }, 'the dataplane before this one could not be closed');
    });
    if (before) log.info({}, 'the configuration has changed: the kernel is read and brought up to date');
    this.#enforcement = next;
    observed.enforcement = next;
    this.#settings = JSON.stringify(others);
    reports.startOver();
    retell();
  }

  #warn(config: FelixConfig, { hasIpv6, metadataAddress }: Awaited<ReturnType<typeof hostFacts>>): void {
    const { log } = this.#parts;
    if (config.ipv6Support && !hasIpv6) log.warn({}, 'this kernel runs without IPv6: only IPv4 is programmed');
    if (config.metadataAddr === '' || metadataAddress) return;
    log.warn({ subject: 'metadataAddr' }, `${config.metadataAddr} is not found: no metadata service until it is`);
    this.#againIn(LOOKUP_RETRY, config);
  }

  #end(error: unknown): never {
    this.#parts.log.fatal({ error: String(error) }, 'cannot go on');
    process.exit(1);
  }
}

/** What is not done: the first of it in words, of the rest the number. */
function inShort(outcome: RoundOutcome, undone: ReadonlyMap<string, string>): string {
  if (outcome === 'done') return '';
  const [first] = undone;
  const more = undone.size > 1 ? `, and ${undone.size - 1} more` : '';
  return `${outcome} done${first ? `: ${first.join(': ')}${more}` : ''}`;
}

/** Text that is equal for equal configurations. */
function fingerprint(config: FelixConfig): string {
  return JSON.stringify(config, (_, value) => (value instanceof RegExp ? value.source : value));
}
