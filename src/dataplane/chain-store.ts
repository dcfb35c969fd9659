/**
 * The chains of one table of one family, of which only those that something leads to are in the kernel.
 *
 * Managers offer chains as they come; a chain is lowered, rendered and written when the first rule names it, and goes
 * when the last such rule does. So a policy is offered to every table, and costs only those where an endpoint uses it.
 */
import type { Table } from '../drivers/iptables/index.ts';
import {
  type Chain,
  type Hook,
  lower,
  type RenderOptions,
  type Rule,
  renderChain,
  renderRules,
  type TableChains,
} from '../rules/index.ts';

interface Active {
  /** The chain and what it was lowered to beside it. */
  readonly written: readonly string[];
  readonly targets: readonly string[];
}

export class ChainStore {
  readonly #table: Table;
  readonly #options: RenderOptions;
  readonly #offered = new Map<string, Chain>();
  /** How many rules that are in the kernel name a chain. */
  readonly #references = new Map<string, number>();
  readonly #active = new Map<string, Active>();
  readonly #hookTargets = new Map<Hook, readonly string[]>();

  constructor(table: Table, options: RenderOptions) {
    this.#table = table;
    this.#options = options;
  }

  offer(chain: Chain): void {
    this.#offered.set(chain.name, chain);
    if (this.#references.has(chain.name)) this.#activate(chain);
  }

  withdraw(name: string): void {
    this.#offered.delete(name);
    this.#deactivate(name);
  }

  /** The static part: chains, and the kernel's chains that lead to them. */
  offerTable({ chains, hooks }: TableChains): void {
    for (const chain of chains.values()) this.offer(chain);
    for (const [hook, { entry, end }] of Object.entries(hooks)) this.setHook(hook as Hook, entry, end);
  }

  /** What one of the kernel's chains has of ours. */
  setHook(hook: Hook, entry: readonly Rule[], end: readonly Rule[] = []): void {
    const before = this.#hookTargets.get(hook) ?? [];
    const targets = targetsOf([...entry, ...end]);
    if (before.length === 0 && targets.length === 0) return;
    const render = (rules: readonly Rule[]) => renderRules(hook, rules, this.#options);
    for (const target of targets) this.#acquire(target);
    this.#table.setHook(hook, { entry: render(entry), end: render(end) });
    this.#hookTargets.set(hook, targets);
    for (const target of before) this.#release(target);
  }

  #activate(chain: Chain): void {
    const before = this.#active.get(chain.name);
    const lowered = lower(chain);
    const written = lowered.map(({ name }) => name);
    const targets = targetsOf(chain.rules);
    this.#active.set(chain.name, { written, targets });
    for (const target of targets) this.#acquire(target);
    for (const part of lowered) this.#table.setChain(renderChain(part, this.#options));
    for (const name of before?.written ?? []) if (!written.includes(name)) this.#table.removeChain(name);
    for (const target of before?.targets ?? []) this.#release(target);
  }

  #deactivate(name: string): void {
    const active = this.#active.get(name);
    if (!active) return;
    this.#active.delete(name);
    for (const part of active.written) this.#table.removeChain(part);
    for (const target of active.targets) this.#release(target);
  }

  #acquire(name: string): void {
    const count = this.#references.get(name) ?? 0;
    this.#references.set(name, count + 1);
    const chain = this.#offered.get(name);
    if (count === 0 && chain) this.#activate(chain);
  }

  #release(name: string): void {
    const count = (this.#references.get(name) ?? 0) - 1;
    if (count > 0) this.#references.set(name, count);
    else {
      this.#references.delete(name);
      this.#deactivate(name);
    }
  }
}

function targetsOf(rules: readonly Rule[]): string[] {
  return rules.flatMap(({ action }) => {
    if (action.type === 'jump' || action.type === 'goto') return [action.chain];
    return action.type === 'dispatch' ? [...action.table.values()] : [];
  });
}
