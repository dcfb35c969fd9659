/** Removes the sets that nobody wants any more. */
import type { CalicoError } from '../../errors/index.ts';
import { encodeSetDestroy, type IpSetHeader, kernelError, type NetlinkSocket } from '../../kernel/index.ts';
import type { Family } from '../../net/index.ts';
import type { Tracker } from '../../reconcile/index.ts';

/** Those of these families. One that a rule still names is tried again later: no error. */
export function destroySets(
  socket: NetlinkSocket,
  sets: Tracker<string, IpSetHeader>,
  families: ReadonlySet<Family>,
  now: number,
): { readonly operations: number; readonly errors: ReadonlyMap<string, CalicoError> } {
  const names = [...sets.pendingDeletes].filter((name) => {
    const family = sets.actual.get(name)?.family;
    return !family || families.has(family);
  });
  const failures = socket.batch(names, encodeSetDestroy);
  const errors = new Map<string, CalicoError>();
  for (const [i, name] of names.entries()) {
    const failure = failures.get(i);
    if (!failure || failure.name === 'ENOENT') sets.removeActual(name);
    else {
      sets.failed(name, now);
      if (failure.name !== 'IPSET_ERR_BUSY') errors.set(name, kernelError(name, 'cannot remove the set', failure));
    }
  }
  return { operations: names.length, errors };
}
