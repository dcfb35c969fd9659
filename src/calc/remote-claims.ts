/**
 * Who says that an address, or a block of them, is on which host: of one source of routes. Two hosts claim one destination
 * while an endpoint moves. Where nobody asks (tens of thousands of endpoints, where blocks decide) there is no index.
 */
import type { IdKey } from '../model/index.ts';
import type { Cidr } from '../net/index.ts';

export interface Claim {
  readonly host: string;
  readonly destinations: readonly Cidr[];
}

export class RemoteClaims {
  readonly #claims = new Map<IdKey, readonly Claim[]>();
  /** Destination → who claims it for which host. */
  readonly #claimants = new Map<Cidr, Map<IdKey, string>>();
  readonly #byHost = new Map<string, Map<Cidr, number>>();
  readonly #touched: Set<Cidr>;
  #isUsed = false;

  /** `touched`: gets every destination whose claims change. */
  constructor(touched: Set<Cidr>) {
    this.#touched = touched;
  }

  use(isUsed: boolean): void {
    if (isUsed === this.#isUsed) return;
    this.#isUsed = isUsed;
    for (const [key, claims] of this.#claims) this.#index(key, claims, isUsed);
  }

  get destinations(): Iterable<Cidr> {
    return this.#claimants.keys();
  }

  has(destination: Cidr): boolean {
    return this.#claimants.has(destination);
  }

  destinationsOf(host: string): Iterable<Cidr> {
    return this.#byHost.get(host)?.keys() ?? [];
  }

  /** The hosts that the destination is claimed for. */
  hostsOf(destination: Cidr): string[] {
    return [...(this.#claimants.get(destination)?.values() ?? [])];
  }

  set(key: IdKey, claims: readonly Claim[]): void {
    const before = this.#claims.get(key) ?? [];
    if (JSON.stringify(before) === JSON.stringify(claims)) return;
    if (claims.length > 0) this.#claims.set(key, claims);
    else this.#claims.delete(key);
    if (this.#isUsed) {
      this.#index(key, before, false);
      this.#index(key, claims, true);
    }
  }

  #index(key: IdKey, claims: readonly Claim[], add: boolean): void {
    for (const { host, destinations } of claims)
      for (const destination of destinations) {
        this.#touched.add(destination);
        const claimants = this.#claimants.get(destination) ?? new Map<IdKey, string>();
        if (add) this.#claimants.set(destination, claimants.set(key, host));
        else if (claimants.delete(key) && claimants.size === 0) this.#claimants.delete(destination);
        this.#countByHost(host, destination, add ? 1 : -1);
      }
  }

  #countByHost(host: string, destination: Cidr, by: 1 | -1): void {
    const counts = this.#byHost.get(host) ?? new Map<Cidr, number>();
    const count = (counts.get(destination) ?? 0) + by;
    if (count > 0) this.#byHost.set(host, counts.set(destination, count));
    else if (counts.delete(destination) && counts.size === 0) this.#byHost.delete(host);
  }
}
