/** Figures for Prometheus. */
import { Counter, Gauge, Registry } from 'prom-client';
import type { Progress } from './resync.ts';

const P = 'calico_openstack_';

export class Metrics {
  readonly #registry = new Registry();
  readonly changes = new Counter({
    name: `${P}changes_total`,
    help: 'Changes that Neutron told, by kind, and what became of them: written, equal, late or failed.',
    labelNames: ['kind', 'result'],
    registers: [this.#registry],
  });
  readonly elected = this.#gauge('elected', '1 while this service resynchronises and reports back.');
  readonly failures = new Counter({
    name: `${P}resync_failures_total`,
    help: 'Resyncs that ended without having compared everything.',
    registers: [this.#registry],
  });
  readonly #lastSuccess = this.#gauge('resync_last_success_timestamp_seconds', 'End of the last complete resync.');
  readonly #seconds = this.#gauge('resync_seconds', 'Duration of the last complete resync.');
  readonly #neutronSeconds = this.#gauge('resync_neutron_seconds', "Of it, the time of Neutron's answers.");
  readonly #wanted = this.#gauge('resync_objects', 'Objects that the last complete resync compared.');
  readonly #differing = this.#gauge('resync_differences', 'Differences that the last complete resync found.');

  resynced(progress: Progress): void {
    this.#lastSuccess.setToCurrentTime();
    this.#seconds.set(progress.seconds);
    this.#neutronSeconds.set(progress.neutronSeconds);
    this.#wanted.set(progress.wanted);
    this.#differing.set(progress.differing);
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #gauge(name: string, help: string): Gauge {
    return new Gauge({ name: P + name, help, registers: [this.#registry] });
  }
}
