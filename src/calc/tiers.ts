/** The tiers and their order. */
import type { Tier } from '../model/index.ts';

/** What of a tier places its policies. One object for each tier, until the tier changes. */
export interface TierPlace {
  readonly name: string;
  /** Infinity: after those that have an order. */
  readonly order: number;
  readonly passes: boolean;
}

/**
 * A tier that is not there. Upstream's `default` has this order, where it is stored; v3.15 stores none. A policy of any
 * other tier that nobody knows comes last: it may deny what is left, and overrules nobody.
 */
function absent(name: string): TierPlace {
  return { name, order: name === 'default' ? 1_000_000 : Number.POSITIVE_INFINITY, passes: false };
}

export class Tiers {
  readonly #places = new Map<string, TierPlace>();

  place(name: string): TierPlace {
    let place = this.#places.get(name);
    if (!place) {
      place = absent(name);
      this.#places.set(name, place);
    }
    return place;
  }

  /** Null: the tier is gone. False when this changes nothing for its policies. */
  set(name: string, tier: Tier | null): boolean {
    const before = this.place(name);
    const now = tier ? placeOf(tier) : absent(name);
    if (before.order === now.order && before.passes === now.passes) return false;
    this.#places.set(name, now);
    return true;
  }
}

function placeOf({ id, order, defaultAction }: Tier): TierPlace {
  return { name: id.name, order: order ?? Number.POSITIVE_INFINITY, passes: defaultAction === 'pass' };
}

/** Of different tiers; of equal order the name decides. */
export function compareTiers(a: TierPlace, b: TierPlace): number {
  if (a.order !== b.order) return a.order < b.order ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}
