/** Sets that the kernel does not have as they are desired. */
import type { SetContents } from './set-contents.ts';

/** What may be wrong about a match on a set. */
export interface SetGap {
  /** There is no set of that name: a rule cannot name it. */
  readonly absent: boolean;
  /** Some desired members may not be in it. */
  readonly missing: boolean;
  /** Some members may be in it that are not desired. */
  readonly extra: boolean;
  /** In words, with the member and what the kernel said. */
  readonly reason: string;
}

/** Null: the set is as desired. `there`: is there a set of its name, and is it of the desired type and size? */
export function gapOf(
  { known, dirty, tracker }: SetContents,
  there: { readonly exists: boolean; readonly asDesired: boolean },
  reason: string,
): SetGap | null {
  const compared = known && there.asDesired;
  if (compared && !dirty) return null;
  return {
    absent: !there.exists,
    missing: !compared || tracker.pendingAdds.size > 0,
    extra: there.exists && (!compared || tracker.pendingRemoves.size > 0),
    reason,
  };
}

export class SetGaps {
  readonly #bySet = new Map<string, SetGap>();
  #changed = new Set<string>();

  get all(): ReadonlyMap<string, SetGap> {
    return this.#bySet;
  }

  /** Null: it is as desired. */
  set(name: string, gap: SetGap | null): void {
    const before = this.#bySet.get(name);
    if (gap) this.#bySet.set(name, gap);
    else if (!this.#bySet.delete(name)) return;
    if (!before || !gap || !sameGap(before, gap)) this.#changed.add(name);
  }

  /** Sets whose gap is another one, or whose first or last, since the last call. */
  takeChanged(): ReadonlySet<string> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }
}

function sameGap(a: SetGap, b: SetGap): boolean {
  return a.absent === b.absent && a.missing === b.missing && a.extra === b.extra && a.reason === b.reason;
}
