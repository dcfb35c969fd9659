/** Staged policies: what would become of a policy, kept without being enforced. Newer versions only. */
import { oneOf, orElse } from './fields.ts';
import type { Resource } from './kind.ts';
import type { NewerForm } from './newer.ts';
import { TIERED } from './policy.ts';
import type { Report } from './report.ts';

export const stagedAction = () => ({ stagedAction: orElse(oneOf(['Set', 'Delete', 'Learn', 'Ignore']), 'Set') });

/** One that stages a deletion says no more than what is to be deleted. */
export function checkStaged(spec: Readonly<Record<string, unknown>>, report: Report): void {
  if (spec.stagedAction !== 'Delete') return;
  for (const [field, value] of Object.entries(spec))
    if (value !== undefined && field !== 'stagedAction' && field !== 'tier' && !isEmpty(value))
      report(['spec', field], 'must be left out with stagedAction Delete');
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

export const STAGED: NewerForm = { convert: (policy: Resource) => TIERED.convert(policy), is: () => true };
