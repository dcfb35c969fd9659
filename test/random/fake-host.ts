/** A host from the syncer's updates to its kernel: calc and dataplane as Felix has them, over a fake kernel. */
import { CalcGraph, type DataplaneUpdate } from '../../src/calc/index.ts';
import { Dataplane, type DataplaneConfig } from '../../src/dataplane/index.ts';
import type { KernelEvent } from '../../src/kernel/index.ts';
import type { Update } from '../../src/model/index.ts';
import { DEFAULT_RULES_CONFIG } from '../../src/rules/index.ts';
import { driversOver, FAMILIES, type FakeKernel } from './fake-kernel.ts';

export const BOTH_FAMILIES: DataplaneConfig = {
  families: FAMILIES,
  rules: DEFAULT_RULES_CONFIG,
  iptables: { backend: 'legacy', insertMode: 'insert', lockTimeout: 0 },
  refresh: { iptables: 0, routes: 0, ipsets: 0 },
  maxSetSize: 1_048_576,
  routeProtocol: 3,
  routeSources: {},
  externalHosts: [],
  excludedInterfaces: [],
  netlinkTimeout: 5000,
  removeExternalRoutes: true,
  encapsulations: {},
  ipip: { mtu: { exactly: 1440 } },
  vxlan: { id: 4096, port: 4789, 4: { mtu: { exactly: 1410 } }, 6: { mtu: { exactly: 1390 } } },
  uplinks: '^eth',
};

/** ms */
const QUIET = 20;

export class FakeHost<K extends FakeKernel> {
  readonly graph = new CalcGraph({ node: 'h1' });
  readonly kernel: K;
  /** Everything that was logged as a warning or an error. */
  readonly problems: object[] = [];
  readonly #dataplane: Dataplane;
  #roundEnded: () => void = () => {};
  #last = { ok: true, at: 0 };

  constructor(kernel: K) {
    this.kernel = kernel;
    const problem = (fields: object) => void this.problems.push(fields);
    this.#dataplane = new Dataplane({
      config: BOTH_FAMILIES,
      drivers: driversOver(kernel),
      log: { debug: () => {}, info: () => {}, warn: problem, error: problem },
      onRound: (_, outcome) => {
        this.#last = { ok: outcome === 'done', at: performance.now() };
        this.#roundEnded();
      },
    });
    this.graph.onStatus('in-sync');
  }

  /** One batch of updates, and the round that brings it to the kernel if there is anything to tell. */
  async update(updates: readonly Update[]): Promise<void> {
    this.graph.onUpdates(updates);
    const told: DataplaneUpdate[] = [];
    this.graph.flush((update) => told.push(update));
    if (told.length > 0) await this.#round(() => told.forEach((update) => void this.#dataplane.onUpdate(update)));
  }

  async events(events: readonly KernelEvent[]): Promise<void> {
    await this.#round(() => this.#dataplane.onKernelEvents(events));
  }

  /** After failures: when a round has done everything, and no other follows. */
  async quiet(): Promise<void> {
    while (!this.#last.ok || performance.now() - this.#last.at < QUIET)
      await new Promise((done) => setTimeout(done, 5));
  }

  async close(): Promise<void> {
    await this.#dataplane.close();
  }

  #round(cause: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.#roundEnded = resolve;
      cause();
    });
  }
}
