/** One endpoint of this host and the policies that apply to it, kept in their order. */
import type { HostEndpoint, WorkloadEndpoint } from '../model/index.ts';
import { comparePlaces, type PolicyPlace } from './policy-order.ts';

export class LocalEndpoint {
  endpoint: WorkloadEndpoint | HostEndpoint;
  #sorted: readonly PolicyPlace[] = [];
  /** Since the policies were last in order. */
  readonly #added = new Set<PolicyPlace>();
  readonly #removed = new Set<PolicyPlace>();

  constructor(endpoint: WorkloadEndpoint | HostEndpoint) {
    this.endpoint = endpoint;
  }

  add(policy: PolicyPlace): void {
    this.#added.add(policy);
  }

  remove(policy: PolicyPlace): void {
    if (!this.#added.delete(policy)) this.#removed.add(policy);
  }

  /** The policies in order: what is new is sorted by itself, and merged into what already was. */
  policies(): readonly PolicyPlace[] {
    if (this.#removed.size > 0) this.#sorted = this.#sorted.filter((policy) => !this.#removed.has(policy));
    if (this.#added.size > 0) this.#sorted = merge(this.#sorted, [...this.#added].sort(comparePlaces));
    this.#added.clear();
    this.#removed.clear();
    return this.#sorted;
  }
}

/** Of two ordered lists. */
function merge(a: readonly PolicyPlace[], b: readonly PolicyPlace[]): PolicyPlace[] {
  const merged: PolicyPlace[] = [];
  let i = 0;
  for (const next of b) {
    while (i < a.length && comparePlaces(a[i] as PolicyPlace, next) < 0) merged.push(a[i++] as PolicyPlace);
    merged.push(next);
  }
  while (i < a.length) merged.push(a[i++] as PolicyPlace);
  return merged;
}
