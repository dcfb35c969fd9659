/** A set of another type or size is built beside the one that is there, and takes its place in one step. */
import type { CalicoError } from '../../errors/index.ts';
import {
  encodeSetCreate,
  encodeSetDestroy,
  encodeSetRename,
  encodeSetSwap,
  type IpSet,
  type IpSetHeader,
  kernelError,
  type NetlinkSocket,
  type Refusal,
} from '../../kernel/index.ts';
import type { Family } from '../../net/index.ts';
import type { Tracker } from '../../reconcile/index.ts';
import { SetContents } from './set-contents.ts';
import { writeMembers } from './write.ts';

type Sets = Tracker<string, IpSetHeader>;

export function sameShape(a: IpSetHeader, b: IpSetHeader): boolean {
  return a.type === b.type && a.family === b.family && a.maxElements === b.maxElements;
}

/** A name of ours that no set has. */
function temporaryName(sets: Sets, family: Family): string {
  for (let i = 0; ; i++) {
    const name = `cali${family}t${i}`;
    if (!sets.actual.has(name)) return name;
  }
}

/** Without an error the set is there, with all its members; with one the old set is. `operations` are those asked of the kernel. */
export function rebuild(
  socket: NetlinkSocket,
  sets: Sets,
  own: SetContents,
): { readonly operations: number; readonly error?: CalicoError } {
  const { name, family } = own.set;
  const beside = new SetContents({ ...own.set, name: temporaryName(sets, family) });
  beside.replace(own.tracker.desired());
  const uncreated = socket.request((w) => encodeSetCreate(w, beside.set));
  if (uncreated) return { operations: 1, error: kernelError(name, 'cannot create the set anew', uncreated) };
  sets.setActual(beside.set.name, beside.set);
  beside.exists();
  const written = writeMembers(socket, [beside]);
  const operations = written.operations + 2;
  const [missing] = written.refused;
  if (missing) {
    // Rules trust the old set still, and some may be about to be closed: an incomplete one must not take its place before.
    const undestroyed = socket.request((w) => encodeSetDestroy(w, beside.set.name));
    if (!undestroyed) sets.removeActual(beside.set.name);
    return {
      operations,
      error: kernelError(name, `cannot add ${missing.members[0]} to the set made anew`, missing.failure),
    };
  }
  const unreplaced = takePlace(socket, sets, own.set, beside.set);
  if (unreplaced) return { operations, error: kernelError(name, 'cannot replace the set', unreplaced) };
  own.exists(new Set(beside.tracker.actual()));
  return { operations };
}

/** Null when `beside` has the name, and what had it has another or is gone. */
function takePlace(socket: NetlinkSocket, sets: Sets, { name }: IpSet, beside: IpSet): Refusal | null {
  const old = sets.actual.get(name) as IpSetHeader;
  const unswapped = socket.request((w) => encodeSetSwap(w, [name, beside.name]));
  if (unswapped?.name === 'IPSET_ERR_TYPE_MISMATCH') {
    // Sets of different kinds cannot be exchanged. Without rules that name the old one it can go first.
    const refused =
      socket.request((w) => encodeSetDestroy(w, name)) ??
      socket.request((w) => encodeSetRename(w, [beside.name, name]));
    if (refused) return refused;
    sets.removeActual(beside.name);
  } else if (unswapped) return unswapped;
  // What was there has the temporary name now, and goes with the next removals.
  else sets.setActual(beside.name, old);
  sets.setActual(name, { ...beside, name });
  return null;
}
