/** A host from the syncer's updates to this namespace's kernel: calc and dataplane as Felix has them. */
import type { CalcGraph } from '../../src/calc/index.ts';
import { Dataplane, type DataplaneConfig, type Drivers, openDrivers } from '../../src/dataplane/index.ts';
import { differencesOf } from '../../src/felix/state/snapshot.ts';
import { KernelEvents } from '../../src/kernel/index.ts';
import type { Update } from '../../src/model/index.ts';

export class NamespaceHost {
  readonly graph: CalcGraph;
  /** Everything that was logged as a warning or an error. */
  readonly problems: string[] = [];
  /** Endpoint's name → what was told of it last: its state, and what is wrong. */
  readonly statuses = new Map<string, string>();
  rounds = 0;
  /** Changes asked of the kernel beside those of chains, so far. */
  operations = 0;
  readonly #dataplane: Dataplane;
  readonly #drivers: Drivers;
  readonly #events: KernelEvents;

  /** `graceMs`: how long unexpected routes stay. */
  static async start(config: DataplaneConfig, graph: CalcGraph, graceMs = 10_000): Promise<NamespaceHost> {
    return new NamespaceHost(config, graph, await openDrivers(config, { graceMs }));
  }

  /** Use `start`. */
  private constructor(config: DataplaneConfig, graph: CalcGraph, drivers: Drivers) {
    this.graph = graph;
    this.#drivers = drivers;
    const problem = (fields: object, message: string) =>
      void this.problems.push(`${message} ${JSON.stringify(fields)}`);
    this.#dataplane = new Dataplane({
      config,
      drivers,
      log: { debug: () => {}, info: () => {}, warn: problem, error: problem },
      onEndpointStatus: ({ name }, status) => {
        if (status) this.statuses.set(name, [status.state, ...status.problems].join('\n'));
        else this.statuses.delete(name);
      },
      onRound: (_, __, work) => {
        this.rounds++;
        this.operations += work.operations;
      },
    });
    this.#events = new KernelEvents({
      ownPort: drivers.routePort,
      onEvents: (events) => this.#dataplane.onKernelEvents(events),
      onError: (error) => problem({}, String(error)),
    });
    graph.retell();
    graph.onStatus('in-sync');
    this.update();
  }

  update(...updates: Update[]): void {
    this.graph.onUpdates(updates);
    this.graph.flush((update) => this.#dataplane.onUpdate(update));
  }

  /** Of links, neighbours and forwarding entries: what is not as it is to be, as far as the drivers know. */
  differences(): string[] {
    const { devices, neighbours, fdb } = this.#drivers;
    return [devices, neighbours, fdb].flatMap((driver) => driver.dump().flatMap(differencesOf));
  }

  async close(): Promise<void> {
    await this.#dataplane.close();
    await this.#events.close();
    this.#drivers.close();
  }
}
