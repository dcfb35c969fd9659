/**
 * Entries of a kernel table that several may claim at once: an address that two endpoints have, a tunnel's end while its
 * host is renamed. One claim of each key is in force, the same whatever came first; when it goes, the next best takes its
 * place.
 */
export interface ClaimTarget<V> {
  setDesired(value: V): void;
  removeDesired(value: V): void;
}

interface Claim<V> {
  readonly owner: string;
  readonly rank: number;
  readonly value: V;
}

export class Claims<V> {
  readonly #target: ClaimTarget<V>;
  readonly #keyOf: (value: V) => string;
  readonly #claims = new Map<string, readonly Claim<V>[]>();

  constructor(target: ClaimTarget<V>, keyOf: (value: V) => string) {
    this.#target = target;
    this.#keyOf = keyOf;
  }

  /** The highest rank wins, among equals the owner whose name is first. */
  set(owner: string, value: V, rank = 0): void {
    const key = this.#keyOf(value);
    const others = (this.#claims.get(key) ?? []).filter((other) => other.owner !== owner);
    const claims = [...others, { owner, rank, value }];
    this.#claims.set(key, claims);
    this.#target.setDesired(best(claims).value);
  }

  /** Who claims the key, the one whose claim is in force first. */
  claimants(value: V): string[] {
    const claims = this.#claims.get(this.#keyOf(value)) ?? [];
    return [...claims].sort((a, b) => (isBetter(a, b) ? -1 : 1)).map(({ owner }) => owner);
  }

  /** Does nothing where the owner claims nothing. */
  remove(owner: string, value: V): void {
    const key = this.#keyOf(value);
    const before = this.#claims.get(key) ?? [];
    const claims = before.filter((other) => other.owner !== owner);
    if (claims.length === before.length) return;
    if (claims.length > 0) {
      this.#claims.set(key, claims);
      this.#target.setDesired(best(claims).value);
    } else {
      this.#claims.delete(key);
      this.#target.removeDesired(value);
    }
  }
}

function best<V>(claims: readonly Claim<V>[]): Claim<V> {
  return claims.reduce((a, b) => (isBetter(b, a) ? b : a));
}

function isBetter<V>(a: Claim<V>, b: Claim<V>): boolean {
  return a.rank === b.rank ? a.owner < b.owner : a.rank > b.rank;
}
