/** What Felix reports to the datastore of itself and of this host's endpoints. */
import type { FelixConfig } from '../../config/index.ts';
import type { EndpointState, EndpointStatus, OnEndpointStatus } from '../../dataplane/index.ts';
import type { Store } from '../../datastore/index.ts';
import { type IdKey, idKey } from '../../model/index.ts';
import { EndpointReporter } from './endpoint-reporter.ts';
import { HostReporter } from './host-reporter.ts';

type StatusConfig = Pick<
  FelixConfig,
  | 'felixHostname'
  | 'openstackRegion'
  | 'endpointReportingEnabled'
  | 'endpointReportingDelaySecs'
  | 'reportingIntervalSecs'
  | 'reportingTTLSecs'
>;

export class StatusReports {
  readonly #store: Store;
  readonly #log: { warn(fields: object, message: string): void };
  readonly #endpoints = new Map<IdKey, EndpointStatus>();
  #config = '';
  #allTold = false;
  /** Known from a dataplane that is no more; the present one has not told of them. */
  readonly #unconfirmed = new Set<IdKey>();
  #endpointReporter: EndpointReporter | undefined;
  /** Takes back what it reported, because reports are switched off. */
  #withdrawing: EndpointReporter | undefined;
  #hostReporter: HostReporter | undefined;
  #hostReported = false;

  /** Reports nothing until it is configured. */
  constructor(store: Store, log: { warn(fields: object, message: string): void }) {
    this.#store = store;
    this.#log = log;
  }

  /** What has become of this host's endpoints, reported or not. */
  get endpoints(): ReadonlyMap<IdKey, EndpointStatus> {
    return this.#endpoints;
  }

  /** How many of this host's endpoints are in each state. */
  get states(): Readonly<Record<EndpointState, number>> {
    const counts = { up: 0, down: 0, error: 0 };
    for (const { state } of this.#endpoints.values()) counts[state]++;
    return counts;
  }

  /** Reports of endpoints that wait to be written. */
  get pending(): number {
    return this.#endpointReporter?.pending ?? 0;
  }

  readonly onEndpointStatus: OnEndpointStatus = (id, status) => {
    this.#unconfirmed.delete(idKey(id));
    if (status) this.#endpoints.set(idKey(id), status);
    else this.#endpoints.delete(idKey(id));
    this.#endpointReporter?.set(id, status);
  };

  /** Another dataplane tells from now on. */
  startOver(): void {
    for (const key of this.#endpoints.keys()) this.#unconfirmed.add(key);
  }

  /** Every endpoint of this host has been told of. */
  onAllTold(): void {
    for (const key of this.#unconfirmed) this.onEndpointStatus(this.#endpoints.get(key)!.id, null);
    this.#allTold = true;
    this.#endpointReporter?.allTold();
  }

  /** May be called again: what has changed is taken up. */
  configure(config: StatusConfig): void {
    const { felixHostname: host, openstackRegion: region } = config;
    const { endpointReportingEnabled, endpointReportingDelaySecs, reportingIntervalSecs, reportingTTLSecs } = config;
    const text = JSON.stringify([
      ...[host, region, endpointReportingEnabled],
      ...[endpointReportingDelaySecs, reportingIntervalSecs, reportingTTLSecs],
    ]);
    if (this.#config === text) return;
    this.#config = text;
    this.#closeHost();
    const before = this.#endpointReporter ?? this.#withdrawing;
    if (endpointReportingEnabled) before?.close();
    else this.#withdraw();
    const common = { store: this.#store, log: this.#log, host, region };
    if (endpointReportingEnabled) {
      const reporter = new EndpointReporter({
        ...common,
        delayMs: endpointReportingDelaySecs * 1000,
        ...(before && { after: before.ended }),
      });
      for (const status of this.#endpoints.values()) reporter.set(status.id, status);
      if (this.#allTold) reporter.allTold();
      this.#endpointReporter = reporter;
    }
    if (reportingIntervalSecs > 0) {
      const intervalMs = reportingIntervalSecs * 1000;
      const first = !this.#hostReported;
      this.#hostReporter = new HostReporter({ ...common, first, intervalMs, ttlSeconds: reportingTTLSecs });
    }
  }

  /** What nobody keeps up to date would be taken for the truth. */
  #withdraw(): void {
    if (!this.#endpointReporter) return;
    this.#withdrawing = this.#endpointReporter;
    this.#withdrawing.withdraw();
    this.#endpointReporter = undefined;
  }

  /** Reports no more; what is reported stays. */
  close(): void {
    this.#withdrawing?.close();
    this.#endpointReporter?.close();
    this.#endpointReporter = undefined;
    this.#closeHost();
  }

  #closeHost(): void {
    this.#hostReporter?.close();
    this.#hostReported ||= (this.#hostReporter?.reports ?? 0) > 0;
    this.#hostReporter = undefined;
  }
}
