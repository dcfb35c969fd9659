/** Prometheus metrics: upstream's where they mean the same, ours beside them. */
import { collectDefaultMetrics, Registry } from 'prom-client';
import { Listener } from '../listener.ts';
import type { Observed } from '../observed.ts';
import { clusterMetrics } from './cluster.ts';
import { dataplaneMetrics } from './dataplane.ts';
import type { Metric } from './metric.ts';
import { ownMetrics } from './own.ts';

/** All but those of the process and of node. */
export function metricsOf(observed: Observed): Metric[] {
  return [...clusterMetrics(observed), ...dataplaneMetrics(observed), ...ownMetrics(observed)];
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #listener = new Listener(async (request, response) => {
    if (request.url?.split('?')[0] !== '/metrics') return response.writeHead(404).end();
    return response.writeHead(200, { 'content-type': this.#registry.contentType }).end(await this.text());
  });

  /** `process`, `runtime`: also those of the process and of node, by the names that prom-client gives them. */
  constructor(observed: Observed, which: { readonly process: boolean; readonly runtime: boolean }) {
    for (const metric of metricsOf(observed)) this.#registry.registerMetric(forPromClient(metric));
    // It looks at the event loop on a timer: ten times a second, where its own choice would be a hundred.
    const options = { register: this.#registry, eventLoopMonitoringPrecision: 100 };
    if (which.process || which.runtime) collectDefaultMetrics(options);
    for (const { name } of this.#registry.getMetricsAsArray()) {
      const unwanted = (!which.process && /^process_/.test(name)) || (!which.runtime && /^nodejs_/.test(name));
      if (unwanted) this.#registry.removeSingleMetric(name);
    }
  }

  /** In Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Resolves when it listens there and nowhere else. An empty host is every address. */
  serve(host: string, port: number): Promise<void> {
    return this.#listener.listen(host, port);
  }

  close(): Promise<void> {
    return this.#listener.close();
  }
}

/** prom-client asks a metric for no more than this. */
function forPromClient({ name, help, type, read }: Metric): Parameters<Registry['registerMetric']>[0] {
  const get = async () => {
    const values = [...read()].map(({ value, labels = {}, suffix = '' }) => ({
      value,
      labels,
      metricName: name + suffix,
    }));
    return { name, help, type, values, aggregator: 'sum' };
  };
  return { name, get } as unknown as Parameters<Registry['registerMetric']>[0];
}
