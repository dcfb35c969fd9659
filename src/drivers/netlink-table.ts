/** Brings a table that is spoken to over rtnetlink from its actual to its desired state: adds, then deletes. */
import type { CalicoError } from '../errors/index.ts';
import { type Failure, kernelError, type MessageWriter, type NetlinkSocket } from '../kernel/index.ts';
import type { ApplyResult, Tracker } from '../reconcile/index.ts';

/** What touching an entry is answered with that is not there, or whose interface has just gone. */
const GONE = new Set(['ENOENT', 'ESRCH', 'ENODEV', 'ENXIO', 'ENETDOWN']);

export interface NetlinkTable<V> {
  readonly socket: NetlinkSocket;
  readonly tracker: Tracker<string, V>;
  /** What an entry is called in errors. */
  readonly noun: string;
  readonly encodeReplace: (writer: MessageWriter, value: V) => void;
  readonly encodeDelete: (writer: MessageWriter, value: V) => void;
  /** Answers to a write that say that the interface has just gone; default: those above. */
  readonly goneOnWrite?: ReadonlySet<string>;
  /** Told before the tracker learns of it. */
  readonly onWritten?: (value: V, before: V | undefined) => void;
  readonly onDeleted?: (value: V) => void;
  /**
   * Entries that a link has kept which has another name now, as far as anybody knows: they go at the next apply, after
   * what takes their place has been written.
   */
  readonly orphans?: V[];
}

export function applyTable<V>(table: NetlinkTable<V>, now: number): ApplyResult {
  const { tracker } = table;
  tracker.release(now);
  const errors = new Map<string, CalicoError>();
  const operations = write(table, now, errors) + remove(table, now, errors) + removeOrphans(table, errors);
  return { operations, errors, retryAt: tracker.nextDue() };
}

function write<V>(table: NetlinkTable<V>, now: number, errors: Map<string, CalicoError>): number {
  const { socket, tracker } = table;
  const keys = [...tracker.pendingWrites];
  const values = keys.map((key) => tracker.desired.get(key) as V);
  const gone = table.goneOnWrite ?? GONE;
  const failures = socket.batch(values, table.encodeReplace);
  for (const [i, key] of keys.entries()) {
    const failure = failures.get(i);
    const value = values[i] as V;
    if (!failure) {
      table.onWritten?.(value, tracker.actual.get(key));
      tracker.setActual(key, value);
      continue;
    }
    // The interface has just gone: its notification is on the way.
    const error = gone.has(failure.name) ? undefined : kernelError(key, `cannot add the ${table.noun}`, failure);
    tracker.failed(key, now, error);
    if (error) errors.set(key, error);
  }
  return keys.length;
}

function remove<V>(table: NetlinkTable<V>, now: number, errors: Map<string, CalicoError>): number {
  const { socket, tracker } = table;
  const keys = [...tracker.pendingDeletes];
  const values = keys.map((key) => tracker.actual.get(key) as V);
  const failures = socket.batch(values, table.encodeDelete);
  for (const [i, key] of keys.entries()) {
    const failure = failures.get(i);
    if (!failure || isGone(failure)) {
      table.onDeleted?.(values[i] as V);
      tracker.removeActual(key);
      continue;
    }
    const error = kernelError(key, `cannot delete the ${table.noun}`, failure);
    tracker.failed(key, now, error);
    errors.set(key, error);
  }
  return keys.length;
}

function removeOrphans<V>(table: NetlinkTable<V>, errors: Map<string, CalicoError>): number {
  const orphans = table.orphans?.splice(0) ?? [];
  if (orphans.length === 0) return 0;
  for (const failure of table.socket.batch(orphans, table.encodeDelete).values())
    if (!isGone(failure))
      errors.set(table.noun, kernelError(table.noun, 'cannot delete one of a renamed link', failure));
  return orphans.length;
}

const isGone = (failure: Failure): boolean => GONE.has(failure.name);
