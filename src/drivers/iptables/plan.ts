/** What one write of a table says to iptables-restore, and which of its lines is about which chain. */
export interface PlanScope {
  /** Whether what is not desired goes. */
  readonly removals: boolean;
  /** Only these chains: others that exist stay as they are, others that do not are created closed. No hooks. */
  readonly only?: ReadonlySet<string>;
}

export interface TablePlan {
  readonly scope: PlanScope;
  /** Input of iptables-restore from `*table` to `COMMIT`, made as it is taken: each part is about one chain. */
  readonly parts: () => Iterable<Part>;
  readonly written: readonly string[];
  readonly removed: readonly string[];
  readonly hooks: readonly string[];
}

/** One or more lines, without the last newline. */
export type Part = readonly [chain: string, text: string];

/** What a line of a plan is about. */
export interface Place {
  readonly chain: string;
  /** From 0; null: not one of the chain's rules. */
  readonly rule: number | null;
}

/** `line` is that of the plan's text, from 1. Undefined when it is about no chain. */
export function placeOf(plan: TablePlan, line: number): Place | undefined {
  let last = 0;
  for (const [chain, text] of plan.parts()) {
    const first = last + 1;
    last += text.split('\n').length;
    if (line > last) continue;
    if (chain === '') return undefined;
    return { chain, rule: text.startsWith(`-A ${chain} `) ? line - first : null };
  }
  return undefined;
}
