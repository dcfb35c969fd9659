/**
 * What is to be done about a check's problems: a plan to be read first (pure), and its execution. Each step holds only while
 * what it was planned for is still so.
 */
import type { Store } from '../datastore/store.ts';
import { CalicoError } from '../errors/index.ts';
import type { Cidr, Ip } from '../net/index.ts';
import { claim, releaseBlock } from './affinities.ts';
import { mend } from './block.ts';
import type { CheckReport, GivenAddress, Problem } from './check.ts';
import { changeBlock } from './edit.ts';
import { affinityKey, type Claimant } from './keys.ts';
import { recount, releaseAddresses } from './release.ts';

export type FixStep = { readonly why: string } & (
  | { readonly do: 'release'; readonly given: GivenAddress }
  | { readonly do: 'recount'; readonly handle: string; readonly blocks: readonly Cidr[] }
  | { readonly do: 'drop-affinity'; readonly claimant: Claimant; readonly block: Cidr }
  | { readonly do: 'restore-affinity'; readonly claimant: Claimant; readonly block: Cidr }
  | { readonly do: 'mend-block'; readonly block: Cidr; readonly addresses: readonly Ip[] }
);

export interface FixPlan {
  /** In the order of their execution. */
  readonly steps: readonly FixStep[];
  /** What a person has to see to, and why. */
  readonly left: readonly { readonly problem: Problem; readonly why: string }[];
  /** E_REFUSED: none of it is to be executed as it is. */
  readonly refusal: CalicoError | null;
}

export interface FixOptions {
  /** Releases that a plan may have. Default: a tenth of what is given, and never less than 10. */
  readonly limit?: number;
  /** An earlier check: only what was unused then as well is released, so that nothing is that is just being set up. */
  readonly earlier?: CheckReport;
  /** Releases also those of which it is not sure that nothing needs them. */
  readonly unsure?: boolean;
}

export function planFix(report: CheckReport, options: FixOptions = {}): FixPlan {
  const before = options.earlier && new Set(options.earlier.problems.flatMap(identityOfUnused));
  const steps: FixStep[] = [];
  const left: FixPlan['left'][number][] = [];
  for (const problem of report.problems) {
    const decided = decide(problem, before, options.unsure ?? false);
    if ('do' in decided) steps.push(decided);
    else left.push({ problem, why: decided.why });
  }
  const releases = steps.filter((step) => step.do === 'release').length;
  return { steps: merged(steps), left, refusal: refusal(releases, report, options) };
}

/** Calls `done` after each step: `null`, or why it was not to be done any more. */
export async function applyFix(
  store: Store,
  { steps, refusal }: FixPlan,
  done: (step: FixStep, problem: CalicoError | null) => void = () => {},
): Promise<void> {
  if (refusal) throw refusal;
  for (const step of steps) {
    const problem = await apply(store, step).then(
      () => null,
      (error) => {
        // One that somebody has dealt with meanwhile stops no other.
        if (error instanceof CalicoError && error.code !== 'E_DATASTORE') return error;
        throw error;
      },
    );
    done(step, problem);
  }
}

function decide(problem: Problem, before: ReadonlySet<string> | undefined, unsure: boolean): FixStep | { why: string } {
  switch (problem.kind) {
    case 'unused': {
      const { given, sure, why } = problem;
      if (before && !identityOfUnused(problem).every((one) => before.has(one)))
        return { why: 'it was not unused at the earlier check: it may be being set up' };
      return sure || unsure ? { do: 'release', given, why } : { why };
    }
    case 'miscounted':
      return {
        do: 'recount',
        handle: problem.handle,
        blocks: [problem.block],
        why: `it counts ${problem.counted} of ${problem.block}, which holds ${problem.held}`,
      };
    case 'affinity-without-block':
      return {
        do: 'drop-affinity',
        claimant: problem.claimant,
        block: problem.block,
        why: 'the block is not there, or another’s',
      };
    case 'block-without-affinity':
      return {
        do: 'restore-affinity',
        claimant: problem.claimant,
        block: problem.block,
        why: 'the block says that it is its',
      };
    case 'host-gone':
      return problem.inUse > 0
        ? { why: 'addresses of it are given: when they are released the block can go' }
        : {
            do: 'drop-affinity',
            claimant: problem.claimant,
            block: problem.block,
            why: `${problem.claimant.name} is no node, and the block is empty`,
          };
    case 'broken-block':
      return problem.addresses.length > 0
        ? {
            do: 'mend-block',
            block: problem.block,
            addresses: problem.addresses,
            why: 'its list of free addresses contradicts what is given',
          }
        : { why: 'it cannot be read: nothing is given of it. Restore or delete its key' };
    case 'not-given':
      return { why: 'assign it to whom it is used by, before somebody else gets it' };
    case 'shared':
      return { why: 'all but one of them must get another address' };
    case 'outside-pools':
      return { why: 'somebody else gives it' };
    case 'block-outside-pools':
      return { why: problem.inUse > 0 ? 'it goes with its last address' : 'release its affinity' };
  }
}

function refusal(releases: number, { given, uses }: CheckReport, { limit }: FixOptions): CalicoError | null {
  if (releases === 0) return null;
  if (uses === 0)
    return new CalicoError(
      'E_REFUSED',
      'ipam',
      'nothing that uses addresses was seen at all: all of them would seem unused',
      {
        hint: 'is this the datastore that the endpoints are in?',
      },
    );
  const most = limit ?? Math.max(10, Math.floor(given.length / 10));
  if (releases <= most) return null;
  return new CalicoError(
    'E_REFUSED',
    'ipam',
    `${releases} of ${given.length} addresses would be released, more than ${most}`,
    {
      hint: 'read the plan; then allow as many',
    },
  );
}

/** The same address of the same owner, given at the same time. */
function identityOfUnused(problem: Problem): string[] {
  if (problem.kind !== 'unused') return [];
  const { address, handle, sequenceNumber } = problem.given;
  return [`${address} ${sequenceNumber} ${handle}`];
}

/** Steps about one handle are one; releases come first, handles last: they count what is left then. */
function merged(steps: readonly FixStep[]): FixStep[] {
  const recounts = steps.filter((step) => step.do === 'recount');
  const handles = [...Map.groupBy(recounts, ({ handle }) => handle)].map(([handle, of]) => ({
    do: 'recount' as const,
    handle,
    blocks: of.flatMap(({ blocks }) => blocks),
    why: of.map(({ why }) => why).join('; '),
  }));
  return [
    ...steps.filter((step) => step.do === 'release'),
    ...steps.filter((step) => step.do !== 'release' && step.do !== 'recount'),
    ...handles,
  ];
}

async function apply(store: Store, step: FixStep): Promise<void> {
  switch (step.do) {
    case 'release': {
      const { address, handle, sequenceNumber } = step.given;
      await releaseAddresses(store, [{ address, handle, ...(sequenceNumber !== null && { sequenceNumber }) }]);
      return;
    }
    case 'recount':
      return recount(store, step.handle, step.blocks);
    case 'drop-affinity':
      await releaseBlock(store, affinityKey(step.claimant, step.block), true);
      return;
    case 'restore-affinity':
      await claim(store, step.block, step.claimant, null);
      return;
    case 'mend-block':
      await changeBlock(store, step.block, (block) => (mend(block) ? { answer: true, gains: new Map() } : null));
  }
}
