/** What a check tells of, in words. */
import type { AddressUse, CheckReport, GivenAddress, Problem, Snapshot } from '../../ipam/index.ts';

/** As upstream writes it, in texts and reports. */
export function userName({ by, name }: AddressUse): string {
  return by === 'workload' ? `Workload(${name})` : `Node(${name})`;
}

/** As upstream writes whose an address is. */
export function attributesText({ handle, attributes }: GivenAddress): string {
  const extra = Object.entries(attributes ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`);
  return `Main:${handle ?? '<none>'} Extra:${extra.join(',')}`;
}

/** One line; as upstream's where it looks for the same. */
export function problemText(problem: Problem): string {
  switch (problem.kind) {
    case 'unused':
      return `${problem.given.address} leaked; attrs ${attributesText(problem.given)}`;
    case 'not-given':
      return `${problem.use.address} in use by ${userName(problem.use)} and in active IPAM pool but has no IPAM allocation.`;
    case 'outside-pools':
      return `${problem.use.address} in use by ${userName(problem.use)} is not in any active IP pool.`;
    case 'shared':
      return `${problem.address} has multiple owners: ${problem.uses.map(userName).join(', ')}.`;
    case 'miscounted':
      return `handle ${problem.handle} counts ${problem.counted} of ${problem.block}, which holds ${problem.held}`;
    case 'affinity-without-block':
      return `${problem.claimant.name} has an affinity to ${problem.block}, which is not there, or another's`;
    case 'block-without-affinity':
      return `block ${problem.block} is of ${problem.claimant.name}, which has no affinity to it`;
    case 'host-gone':
      return `block ${problem.block} is of ${problem.claimant.name}, which is no node; ${problem.inUse} of it in use`;
    case 'block-outside-pools':
      return `block ${problem.block} is in no pool; ${problem.inUse} of it in use`;
    case 'broken-block':
      if (problem.addresses.length === 0) return `block ${problem.block} cannot be read`;
      return `block ${problem.block} contradicts itself in ${problem.addresses.join(', ')}`;
  }
}

/** Handles that stand for no address any more. */
export function idleHandles({ handles }: Snapshot, { given }: CheckReport): string[] {
  const held = new Set(given.map(({ handle }) => handle));
  return [...handles.keys()].filter((handle) => !held.has(handle));
}

/** Handles that blocks name, and that are not there. */
export function missingHandles({ handles }: Snapshot, { given }: CheckReport): string[] {
  const held = new Set(given.flatMap(({ handle }) => handle ?? []));
  return [...held].filter((handle) => !handles.has(handle));
}
