/** Brings the members of sets up to date: many members a message, many messages a system call. */
import {
  encodeMemberChange,
  type Failure,
  isMember,
  MEMBERS_A_MESSAGE,
  type MemberChange,
  type NetlinkSocket,
  type Refusal,
  refusal,
  stoppedAt,
} from '../../kernel/index.ts';
import type { SetContents } from './set-contents.ts';

/** Members that the kernel did not take, or not give up. */
export interface Refused {
  readonly own: SetContents;
  readonly command: MemberChange['command'];
  readonly members: readonly string[];
  readonly failure: Refusal;
}

interface Chunk extends MemberChange {
  readonly own: SetContents;
}

const EINVAL = 22;

/** All that is to be added to any of the sets, then all that is to be removed. What is done is recorded in their trackers. */
export function writeMembers(
  socket: NetlinkSocket,
  sets: readonly SetContents[],
): { operations: number; refused: Refused[] } {
  const refused: Refused[] = [];
  let operations = 0;
  for (const command of ['add', 'remove'] as const) {
    const chunks = sets.flatMap((own) => [...chunksOf(own, command, refused)]);
    for (const { members } of chunks) operations += members.length;
    for (let pending = chunks; pending.length > 0; ) pending = writeChunks(socket, pending, refused);
  }
  return { operations, refused };
}

/** Returns what is left to do: the members behind one that was refused. */
function writeChunks(socket: NetlinkSocket, chunks: readonly Chunk[], refused: Refused[]): Chunk[] {
  const failures = socket.batch(chunks, encodeMemberChange);
  const rest: Chunk[] = [];
  for (const [i, chunk] of chunks.entries()) {
    const failure = failures.get(i);
    const stop = failure ? stoppedAt(failure) : null;
    record(chunk, failure ? (stop ?? 0) : chunk.members.length);
    if (!failure) continue;
    const whole = stop === null || concernsSet(failure);
    const end = whole ? chunk.members.length : stop + 1;
    refused.push({ ...chunk, members: chunk.members.slice(stop ?? 0, end), failure });
    if (end < chunk.members.length) rest.push({ ...chunk, members: chunk.members.slice(end) });
  }
  return rest;
}

function record({ own, command, members }: Chunk, count: number): void {
  for (let i = 0; i < count; i++) {
    if (command === 'add') own.tracker.setActual(members[i] as string);
    else own.tracker.removeActual(members[i] as string);
  }
}

/** A full set refuses whatever comes next, too. */
const concernsSet = (failure: Failure): boolean => failure.name === 'IPSET_ERR_HASH_FULL';

function* chunksOf(own: SetContents, command: MemberChange['command'], refused: Refused[]): Generator<Chunk> {
  const pending = command === 'add' ? own.tracker.pendingAdds : own.tracker.pendingRemoves;
  let members: string[] = [];
  for (const member of pending) {
    if (isMember(own.set.type, own.set.family, member)) members.push(member);
    else refused.push({ own, command, members: [member], failure: refusal(EINVAL, `not a member of ${own.set.type}`) });
    if (members.length < MEMBERS_A_MESSAGE) continue;
    yield { own, set: own.set, command, members };
    members = [];
  }
  if (members.length > 0) yield { own, set: own.set, command, members };
}
