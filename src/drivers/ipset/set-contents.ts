/** The members of one set: what the caller desires, what of it the kernel can hold, and what is there. */
import type { IpSet } from '../../kernel/index.ts';
import { SetTracker } from '../../reconcile/index.ts';

/** The kernel's sets hold no prefix of length 0: two of length 1 stand for it. */
const HALVES: Readonly<Record<string, readonly string[]>> = {
  '0.0.0.0/0': ['0.0.0.0/1', '128.0.0.0/1'],
  '::/0': ['::/1', '8000::/1'],
};
const IS_HALF = new Set(Object.values(HALVES).flat());

export class SetContents {
  readonly set: IpSet;
  /** In the kernel's terms: no prefix of length 0. */
  readonly tracker = new SetTracker<string>();
  /** Whether the tracker knows what the kernel's set holds. */
  known = false;
  readonly #desiredHalves = new Set<string>();
  #everything: string | null = null;

  constructor(set: IpSet) {
    this.set = set;
  }

  add(text: string): void {
    const member = this.#canonical(text);
    const halves = HALVES[member];
    if (halves) this.#everything = member;
    if (IS_HALF.has(member)) this.#desiredHalves.add(member);
    for (const one of halves ?? [member]) this.tracker.setDesired(one);
  }

  remove(text: string): void {
    const member = this.#canonical(text);
    const halves = HALVES[member];
    if (halves) this.#everything = null;
    this.#desiredHalves.delete(member);
    for (const one of halves ?? [member]) {
      const stays = this.#desiredHalves.has(one) || (this.#everything !== null && IS_HALF.has(one));
      if (!stays) this.tracker.removeDesired(one);
    }
  }

  replace(texts: Iterable<string>): void {
    this.#desiredHalves.clear();
    this.#everything = null;
    const stale = new Set(this.tracker.desired());
    for (const text of texts) {
      this.add(text);
      const member = this.#canonical(text);
      for (const one of HALVES[member] ?? [member]) stale.delete(one);
    }
    for (const one of stale) this.tracker.removeDesired(one);
  }

  /** The kernel's set is a new one: empty, or with exactly these. */
  exists(members: ReadonlySet<string> = new Set()): void {
    this.tracker.replaceActual(members);
    this.known = true;
  }

  get dirty(): boolean {
    return !this.known || this.tracker.pendingAdds.size > 0 || this.tracker.pendingRemoves.size > 0;
  }

  #canonical(text: string): string {
    if (this.set.type !== 'hash:net' || text.includes('/')) return text;
    return `${text}/${this.set.family === 4 ? 32 : 128}`;
  }
}
