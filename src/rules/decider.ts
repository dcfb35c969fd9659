/** Which of the rules that a packet met is the answer to "why?". */
import type { Step, Trace } from './evaluate.ts';

/**
 * A drop was decided by the rule that dropped. A packet that passes was allowed by a policy (the last, if several endpoints
 * were asked) or by a default; the rules that turn its mark into the kernel's verdict only carry that out.
 */
export function decider(verdict: Trace['verdict'], steps: readonly Step[]): Step | null {
  if (verdict !== 'accept') return steps.at(-1) ?? null;
  return steps.findLast(allows) ?? null;
}

function allows({ rule: { action, origin } }: Step): boolean {
  if (origin.type === 'plumbing' || (origin.type === 'default' && origin.what === 'policy-accepted')) return false;
  if (action.type === 'mark') return action.set?.includes('accept') ?? false;
  if (action.type === 'policy') return action.verdict === 'allow';
  return action.type === 'accept' || action.type === 'return';
}
