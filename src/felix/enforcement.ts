/** One dataplane over the kernel with all that it opened, for as long as its settings are in force. */
import {
  Dataplane,
  type DataplaneConfig,
  type DataplaneOptions,
  type DriverOptions,
  type Drivers,
  openDrivers,
  type StatusListener,
} from '../dataplane/index.ts';
import { type KernelEvent, KernelEvents } from '../kernel/index.ts';
import type { Logger } from './log.ts';

export interface EnforcementOptions extends DriverOptions, Pick<DataplaneOptions, 'onRound' | keyof StatusListener> {
  readonly log: Logger;
  /** Told of the kernel's notifications, when the dataplane has been. */
  readonly onKernelEvents?: (events: readonly KernelEvent[]) => void;
  /** The kernel tells nothing any more. */
  readonly onDeaf: (error: Error) => void;
}

export class Enforcement {
  readonly dataplane: Dataplane;
  readonly drivers: Drivers;
  readonly #events: KernelEvents;

  /** It writes nothing before it is told that everything has been told. E_KERNEL when the kernel lacks what the settings need. */
  static async open(config: DataplaneConfig, options: EnforcementOptions): Promise<Enforcement> {
    return new Enforcement(config, await openDrivers(config, options), options);
  }

  private constructor(config: DataplaneConfig, drivers: Drivers, options: EnforcementOptions) {
    const dataplane = new Dataplane({ ...options, config, drivers });
    this.drivers = drivers;
    this.dataplane = dataplane;
    this.#events = new KernelEvents({
      ownPort: drivers.routePort,
      onEvents: (events) => {
        dataplane.onKernelEvents(events);
        options.onKernelEvents?.(events);
      },
      onError: options.onDeaf,
    });
  }

  /** Resolves when the round under way has ended. What is in the kernel stays. */
  async close(): Promise<void> {
    try {
      await this.dataplane.close();
      await this.#events.close();
    } finally {
      this.drivers.close();
    }
  }
}
