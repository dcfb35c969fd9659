/** Which sets the active rules need. A set exists while a rule of an active policy or profile names it. */
import type { Rule } from '../model/index.ts';
import type { Selector } from '../selector/index.ts';
import type { ActiveRule, SetId } from './output.ts';
import { activate, type SetDefinition } from './rule-sets.ts';
import type { SelectorCache } from './selector-cache.ts';
import type { SetMembers } from './set-members.ts';
import type { WorkCounters } from './work.ts';

export interface RuleLists<R> {
  readonly ingress: readonly R[];
  readonly egress: readonly R[];
}

/** What one policy or profile holds on to. */
interface Holding {
  readonly sets: SetId[];
  readonly selectors: string[];
}

export class RuleScanner {
  readonly #holdings = new Map<string, Holding>();
  readonly #users = new Map<SetId, number>();
  /** Sets that lost their last user since the last sweep. */
  readonly #idle = new Set<SetId>();
  readonly #selectors: SelectorCache;
  readonly #members: SetMembers;
  readonly #work: WorkCounters;

  constructor(selectors: SelectorCache, members: SetMembers, work: WorkCounters) {
    this.#selectors = selectors;
    this.#members = members;
    this.#work = work;
  }

  /**
   * The rules of `owner` are now these. Throws a CalicoError when a selector does not parse; the owner then holds
   * nothing.
   */
  scan(owner: string, rules: RuleLists<Rule>): RuleLists<ActiveRule> {
    const before = this.#holdings.get(owner);
    const holding: Holding = { sets: [], selectors: [] };
    this.#holdings.set(owner, holding);
    const sink = {
      parse: (text: string) => this.#parse(text, holding),
      need: (set: SetDefinition) => this.#need(set, holding),
    };
    const list = (of: readonly Rule[]) => {
      this.#work.rulesScanned += of.length;
      return of.map((rule) => activate(rule, sink));
    };
    try {
      return { ingress: list(rules.ingress), egress: list(rules.egress) };
    } catch (error) {
      this.drop(owner);
      throw error;
    } finally {
      if (before) this.#release(before);
    }
  }

  drop(owner: string): void {
    const holding = this.#holdings.get(owner);
    if (!holding) return;
    this.#holdings.delete(owner);
    this.#release(holding);
  }

  /** Lets the sets go that nobody has taken up again: once a flush, so that a set that changes hands stays. */
  sweep(): void {
    for (const id of this.#idle) {
      this.#users.delete(id);
      this.#members.removeSet(id);
    }
    this.#idle.clear();
  }

  #parse(text: string, holding: Holding): Selector {
    const selector = this.#selectors.acquire(text);
    holding.selectors.push(text);
    return selector;
  }

  #need(set: SetDefinition, holding: Holding): void {
    const users = this.#users.get(set.id);
    if (users === undefined) this.#members.addSet(set);
    this.#users.set(set.id, (users ?? 0) + 1);
    this.#idle.delete(set.id);
    holding.sets.push(set.id);
  }

  #release(holding: Holding): void {
    for (const id of holding.sets) {
      const users = (this.#users.get(id) ?? 0) - 1;
      this.#users.set(id, users);
      if (users === 0) this.#idle.add(id);
    }
    for (const text of holding.selectors) this.#selectors.release(text);
  }
}
