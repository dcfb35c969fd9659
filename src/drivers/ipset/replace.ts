/** Puts a set that was built beside another in its place. */
import {
  encodeSetDestroy,
  encodeSetRename,
  encodeSetSwap,
  type IpSet,
  type IpSetHeader,
  type NetlinkSocket,
  type Refusal,
} from '../../kernel/index.ts';
import type { Family } from '../../net/index.ts';
import type { Tracker } from '../../reconcile/index.ts';

type Sets = Tracker<string, IpSetHeader>;

/** A name of ours that no set has. */
export function temporaryName(sets: Sets, family: Family): string {
  for (let i = 0; ; i++) {
    const name = `cali${family}t${i}`;
    if (!sets.actual.has(name)) return name;
  }
}

/** Null when `beside` has the name, and what had it has another or is gone. */
export function takePlace(socket: NetlinkSocket, sets: Sets, { name }: IpSet, beside: IpSet): Refusal | null {
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
