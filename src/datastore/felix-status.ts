/**
 * Where Felix reports, and what: keys and values as upstream's, which its Neutron driver reads. A workload is known here
 * by its orchestrator's ids, which are in its endpoint's name.
 */
import { parseWorkloadEndpointName } from '../api/workload-endpoint-name.ts';
import type { ResourceId } from '../model/index.ts';

/** A report of the host. */
export interface HostReport {
  /** ISO 8601, UTC, whole seconds. */
  readonly time: string;
  /** Seconds since Felix's start. */
  readonly uptime: number;
  /** The first report since Felix's start. */
  readonly first_update: boolean;
}

/** A report of an endpoint; `problems` is ours, and absent where there are none. */
export interface EndpointReport {
  readonly status: 'up' | 'down' | 'error';
  readonly problems?: readonly string[];
}

/** Of a host in an OpenStack region (empty: there are no regions). */
export class FelixStatusKeys {
  readonly #host: string;
  readonly #hostEndpoints: string;

  constructor(region: string, host: string) {
    this.#host = `/calico/felix/v2/${region === '' ? 'no-region' : `region-${region}`}/host/${host}/`;
    this.#hostEndpoints = `/calico/felix/v1/host/${host}/endpoint/`;
  }

  /** The host's latest report, for as long as the host is alive. */
  get status(): string {
    return `${this.#host}status`;
  }

  /** The host's latest report. */
  get lastReported(): string {
    return `${this.#host}last_reported_status`;
  }

  /** What the keys of all endpoints start with, and no others. */
  get endpointPrefixes(): readonly string[] {
    return [`${this.#host}workload/`, this.#hostEndpoints];
  }

  /** Null for a name that no workload endpoint of upstream's can have. */
  endpoint(id: ResourceId<'WorkloadEndpoint'> | ResourceId<'HostEndpoint'>): string | null {
    if (id.kind === 'HostEndpoint') return `${this.#hostEndpoints}${escaped(id.name)}`;
    const ids = parseWorkloadEndpointName(id.name);
    const workload = ids?.pod ?? ids?.containerID ?? ids?.workload;
    if (!ids?.orchestrator || !workload || !ids.endpoint) return null;
    const parts = [ids.orchestrator, `${id.namespace}/${workload}`, 'endpoint', ids.endpoint];
    return `${this.#host}workload/${parts.map(escaped).join('/')}`;
  }
}

/** A part of a key may not have slashes. */
function escaped(part: string): string {
  return part.replaceAll('%', '%25').replaceAll('/', '%2f');
}
