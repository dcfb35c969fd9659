/** Prometheus metrics, by upstream's names where they mean the same. Values are read when somebody asks. */
import { Counter, collectDefaultMetrics, Gauge, Registry, Summary } from 'prom-client';
import type { Dataplane, Drivers, RoundOutcome } from '../dataplane/index.ts';
import type { Iptables, Table } from '../drivers/iptables/index.ts';
import { Listener } from './listener.ts';

type Reading = [labels: Record<string, string | number>, value: number];
type Read = () => Reading[];

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
  readonly #listener = new Listener(async (request, response) => {
    if (request.url?.split('?')[0] !== '/metrics') return response.writeHead(404).end();
    const text = await this.#registry.metrics();
    return response.writeHead(200, { 'content-type': this.#registry.contentType }).end(text);
  });

  onUpdate(type: string): void {
    this.#updates.inc({ type });
  }

  onRound(seconds: number, outcome: RoundOutcome): void {
    this.#rounds.observe(seconds);
    if (outcome !== 'done') this.#failures.inc();
  }

  /** `refused`: another configuration is wanted than the one in force. */
  watchConfig(refused: () => boolean): void {
    const read: Read = () => [[{}, refused() ? 1 : 0]];
    this.#gauge('felix_config_refused', '1 while the configuration in the datastore cannot be put in force.', read);
  }

  /** Gauges of what the dataplane holds; in the place of one that was watched before. */
  watch({ managers }: Dataplane, { iptables }: Drivers): void {
    const { workloads, hostEndpoints, policies, sets } = managers;
    const one =
      (value: () => number): Read =>
      () => [[{}, value()]];
    const perFamily =
      (value: (family: Iptables) => number): Read =>
      () =>
        iptables.map((driver) => [{ ip_version: driver.family }, value(driver)]);
    const perTable =
      (value: (table: Table) => number): Read =>
      () =>
        iptables.flatMap(({ family, tables }) =>
          Object.values(tables).map((table): Reading => [{ ip_version: family, table: table.name }, value(table)]),
        );
    // Nothing is told before the first list is complete, and later interruptions do not undo that.
    const inSync = one(() => 3);
    this.#gauge('felix_resync_state', 'Of the datastore: 3, in sync.', inSync);
    this.#gauge(
      'felix_active_local_endpoints',
      'Endpoints of this host.',
      one(() => workloads.count + hostEndpoints.count),
    );
    this.#gauge(
      'felix_active_local_policies',
      'Policies that apply on this host.',
      one(() => policies.count),
    );
    this.#gauge(
      'felix_cluster_num_hosts',
      'Nodes that have an IPv4 address.',
      one(() => sets.hostCount),
    );
    this.#gauge(
      'felix_ipsets_calico',
      'Sets of selectors and named ports, in each family.',
      one(() => sets.count),
    );
    this.#gauge(
      'felix_iptables_chains',
      'Chains of ours.',
      perTable((table) => table.chainCount),
    );
    this.#gauge(
      'felix_iptables_rules',
      'Rules in chains of ours.',
      perTable((table) => table.ruleCount),
    );
    this.#gauge(
      'felix_iptables_restore_calls',
      'Of iptables-restore.',
      perFamily(({ counts }) => counts.restores),
    );
    this.#gauge(
      'felix_iptables_save_calls',
      'Of iptables-save.',
      perFamily(({ counts }) => counts.saves),
    );
  }

  #gauge(name: string, help: string, read: Read): void {
    this.#registry.removeSingleMetric(name);
    const labelNames = Object.keys(read()[0]?.[0] ?? {});
    new Gauge({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        for (const [labels, value] of read()) this.set(labels, value);
      },
    });
  }

  /** Of the process and of Node itself, by the names that prom-client gives them. */
  watchProcess(which: { readonly process: boolean; readonly runtime: boolean }): void {
    if (which.process || which.runtime) collectDefaultMetrics({ register: this.#registry });
    for (const { name } of this.#registry.getMetricsAsArray()) {
      const unwanted = (!which.process && /^process_/.test(name)) || (!which.runtime && /^nodejs_/.test(name));
      if (unwanted) this.#registry.removeSingleMetric(name);
    }
  }

  /** Resolves when it listens there and nowhere else. An empty host is every address. */
  serve(host: string, port: number): Promise<void> {
    return this.#listener.listen(host, port);
  }

  close(): Promise<void> {
    return this.#listener.close();
  }
}
