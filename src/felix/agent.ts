/** From the first configuration update on: the dataplane, and what is told about it. */
import { existsSync } from 'node:fs';
import type { DataplaneUpdate } from '../calc/index.ts';
import type { FelixConfig } from '../config/index.ts';
import { Dataplane, openDrivers } from '../dataplane/index.ts';
import { KernelEvents } from '../kernel/index.ts';
import type { Health } from './health.ts';
import type { LocalConfig } from './local.ts';
import { type Logger, levelOf } from './log.ts';
import type { Metrics } from './metrics.ts';
import { dataplaneConfig } from './settings.ts';

/** Exit status: the configuration is another one now. */
const CONFIG_CHANGED = 129;

export interface AgentParts {
  readonly local: LocalConfig;
  readonly log: Logger;
  readonly health: Health;
}

export class Agent {
  readonly #parts: AgentParts;
  /** Told before the dataplane was there. */
  #early: DataplaneUpdate[] = [];
  #dataplane: Dataplane | undefined;
  #config: FelixConfig | undefined;
  #metrics: Metrics | undefined;

  constructor(parts: AgentParts) {
    this.#parts = parts;
  }

  onUpdate(update: DataplaneUpdate): void {
    this.#metrics?.onUpdate(update.type);
    if (update.type === 'config') this.#onConfig(update);
    else if (this.#dataplane) this.#dataplane.onUpdate(update);
    else this.#early.push(update);
  }

  #onConfig(update: Extract<DataplaneUpdate, { type: 'config' }>): void {
    const { local, log } = this.#parts;
    const { config, problems } = local.resolve(update);
    for (const { subject, message, fatal } of problems) log[fatal ? 'fatal' : 'warn']({ subject }, message);
    if (problems.some(({ fatal }) => fatal)) process.exit(1);
    if (this.#config) {
      if (fingerprint(this.#config) === fingerprint(config)) return;
      log.warn({}, 'the configuration has changed: ending, to be started again');
      process.exit(CONFIG_CHANGED);
    }
    this.#config = config;
    log.level = levelOf(config.logSeverityScreen);
    this.#start(config).catch((error) => {
      log.fatal({ error: String(error) }, 'cannot start');
      process.exit(1);
    });
  }

  async #start(config: FelixConfig): Promise<void> {
    const { log, health } = this.#parts;
    const hasIpv6 = existsSync('/proc/sys/net/ipv6');
    if (config.ipv6Support && !hasIpv6) log.warn({}, 'this kernel runs without IPv6: only IPv4 is programmed');
    const settings = dataplaneConfig({ ...config, ipv6Support: config.ipv6Support && hasIpv6 });
    if (config.vxlanEnabled) log.warn({}, 'VXLAN is not supported yet: no tunnels, no routes through them');
    await this.#serve(config);
    const drivers = await openDrivers(settings, (table, chain, reason) =>
      log.error({ table, chain, reason }, 'the kernel refuses this chain: it is closed instead'),
    );
    const dataplane = new Dataplane({
      config: settings,
      drivers,
      log,
      onRound: (seconds, outcome) => {
        this.#metrics?.onRound(seconds, outcome);
        if (outcome !== 'failed') health.report('dataplane', true);
      },
    });
    new KernelEvents({
      ownPort: drivers.routePort,
      onEvents: (events) => dataplane.onKernelEvents(events),
      onError: (error) => {
        log.fatal({ error: String(error) }, 'no more notifications from the kernel');
        process.exit(1);
      },
    });
    this.#metrics?.watch(dataplane, drivers);
    this.#dataplane = dataplane;
    for (const update of this.#early.splice(0)) dataplane.onUpdate(update);
  }

  async #serve(config: FelixConfig): Promise<void> {
    const { health } = this.#parts;
    if (config.healthEnabled) await health.serve(config.healthHost, config.healthPort);
    if (!config.prometheusMetricsEnabled) return;
    // Loaded only when wanted: it is a tenth of the program.
    const { Metrics } = await import('./metrics.ts');
    this.#metrics = new Metrics();
    const options = { process: config.prometheusProcessMetricsEnabled };
    await this.#metrics.serve(config.prometheusMetricsHost, config.prometheusMetricsPort, options);
  }
}

/** Text that is equal for equal configurations. */
function fingerprint(config: FelixConfig): string {
  return JSON.stringify(config, (_, value) => (value instanceof RegExp ? value.source : value));
}
