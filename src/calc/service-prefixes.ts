/** The prefixes of services that hosts advertise by BGP: those of the BGPConfiguration `default`. */
import type { BGPConfiguration } from '../model/index.ts';
import type { Cidr } from '../net/index.ts';
import type { DataplaneUpdate } from './output.ts';

export class ServicePrefixes {
  #prefixes: readonly Cidr[] = [];
  #told: string | null = '';

  set(name: string, value: BGPConfiguration | null): void {
    if (name !== 'default') return;
    const { serviceClusterIps = [], serviceExternalIps = [], serviceLoadBalancerIps = [] } = value ?? {};
    this.#prefixes = [...new Set([...serviceClusterIps, ...serviceExternalIps, ...serviceLoadBalancerIps])].sort();
  }

  /** Told again; where some have been told, even that there are none. */
  retell(): void {
    if (this.#told !== '') this.#told = null;
  }

  updates(emit: (update: DataplaneUpdate) => void): void {
    const text = this.#prefixes.join();
    if (text === this.#told) return;
    emit({ type: 'service-prefixes', prefixes: this.#prefixes });
    this.#told = text;
  }
}
