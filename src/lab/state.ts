/** What `up` remembers for the commands after it. `down` uses it where it is there, and does without where it is not. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { CalicoError } from '../errors/index.ts';
import type { Ip } from '../net/index.ts';
import { STATE } from './paths.ts';
import type { Topology } from './topology.ts';

export interface LabState {
  /** The process that runs `up`, as long as it runs. */
  readonly upPid: number | null;
  /** Whether /run/netns was made a mount by us. */
  readonly mountedNetns: boolean;
  readonly topology: Topology;
  /** Of the workloads that have theirs. */
  readonly addresses: Readonly<Record<string, readonly Ip[]>>;
}

export function writeState(state: LabState): void {
  writeFileSync(`${STATE}.new`, JSON.stringify(state, null, 1));
  renameSync(`${STATE}.new`, STATE);
}

/** Null when there is none. */
export function findState(): LabState | null {
  try {
    return JSON.parse(readFileSync(STATE, 'utf8')) as LabState;
  } catch {
    return null;
  }
}

/** E_NOT_FOUND: no lab is up. */
export function readState(): LabState {
  const state = findState();
  if (state) return state;
  throw new CalicoError('E_NOT_FOUND', 'lab', 'is not up', { hint: 'calico lab up' });
}
