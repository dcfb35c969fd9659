/** Prometheus metrics, by upstream's names where they mean the same. Values are read when somebody asks. */
import { createServer, type Server } from 'node:http';
import { Counter, collectDefaultMetrics, Gauge, Registry, Summary } from 'prom-client';
import type { Dataplane, Drivers } from '../dataplane/index.ts';

/** Of `felix_resync_state`. */
export const RESYNC_STATE = { waiting: 1, listing: 2, inSync: 3 } as const;

export class Metrics {
  readonly #registry = new Registry();
  readonly #rounds = new Summary({
    name: 'felix_int_dataplane_apply_time_seconds',
    help: 'Time that one round of writing to the kernel took.',
    percentiles: [0.5, 0.9, 0.99],
    registers: [this.#registry],
  });
  readonly #failures = new Counter({
    name: 'felix_int_dataplane_failures',
    help: 'Rounds of writing to the kernel that did not do everything.',
    registers: [this.#registry],
  });
  readonly #updates = new Counter({
    name: 'felix_int_dataplane_messages',
    help: 'Dataplane updates, by type.',
    labelNames: ['type'],
    registers: [this.#registry],
  });
  readonly #state = new Gauge({
    name: 'felix_resync_state',
    help: 'Of the datastore: 1 waiting, 2 listing, 3 in sync.',
    registers: [this.#registry],
  });
  #server: Server | undefined;

  constructor() {
    this.#state.set(RESYNC_STATE.waiting);
  }

  onState(state: keyof typeof RESYNC_STATE): void {
    this.#state.set(RESYNC_STATE[state]);
  }

  onUpdate(type: string): void {
    this.#updates.inc({ type });
  }

  onRound(seconds: number, ok: boolean): void {
    this.#rounds.observe(seconds);
    if (!ok) this.#failures.inc();
  }

  /** Gauges of what the dataplane holds. */
  watch({ managers }: Dataplane, { iptables }: Drivers): void {
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name,
        help,
        registers: [this.#registry],
        collect() {
          this.set(value());
        },
      });
    const { workloads, hostEndpoints, policies, sets } = managers;
    gauge('felix_active_local_endpoints', 'Endpoints of this host.', () => workloads.count + hostEndpoints.count);
    gauge('felix_active_local_policies', 'Policies that apply on this host.', () => policies.count);
    gauge('felix_cluster_num_hosts', 'Nodes of the cluster that have an IPv4 address.', () => sets.hostCount);
    gauge('felix_ipsets_calico', 'IP sets of selectors and named ports, in each family.', () => sets.count);
    const perTable = { labelNames: ['ip_version', 'table'], registers: [this.#registry] };
    const chains = new Gauge({ name: 'felix_iptables_chains', help: 'Chains of ours.', ...perTable });
    const perFamily = { labelNames: ['ip_version'], registers: [this.#registry] };
    const restores = new Gauge({
      name: 'felix_iptables_restore_calls',
      help: 'Calls of iptables-restore.',
      ...perFamily,
    });
    const saves = new Gauge({ name: 'felix_iptables_save_calls', help: 'Calls of iptables-save.', ...perFamily });
    new Gauge({
      name: 'felix_iptables_rules',
      help: 'Rules in chains of ours.',
      ...perTable,
      collect() {
        for (const { family, tables, counts } of iptables) {
          for (const table of Object.values(tables)) {
            this.set({ ip_version: family, table: table.name }, table.ruleCount);
            chains.set({ ip_version: family, table: table.name }, table.chainCount);
          }
          restores.set({ ip_version: family }, counts.restores);
          saves.set({ ip_version: family }, counts.saves);
        }
      },
    });
  }

  /** Resolves when it listens. An empty host is every address. */
  async serve(host: string, port: number, options: { process: boolean }): Promise<void> {
    if (options.process) collectDefaultMetrics({ register: this.#registry });
    const server = createServer(async (request, response) => {
      if (request.url?.split('?')[0] !== '/metrics') return response.writeHead(404).end();
      const text = await this.#registry.metrics();
      return response.writeHead(200, { 'content-type': this.#registry.contentType }).end(text);
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host || undefined, resolve);
    });
    server.unref();
  }

  close(): void {
    this.#server?.close();
  }
}
