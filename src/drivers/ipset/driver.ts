/**
 * IP sets and their members.
 *
 * `applyUpdates` goes before the rules that name the sets, `applyRemovals` after those that named them. A set whose
 * type has changed is built beside the old one and takes its place in one step. Only sets with our own names are ever
 * removed.
 */
import { CalicoError } from '../../errors/index.ts';
import {
  dumpSetHeaders,
  dumpSetMembers,
  encodeSetCreate,
  type IpSet,
  type IpSetHeader,
  kernelError,
  type NetlinkSocket,
  type Refusal,
} from '../../kernel/index.ts';
import type { Family } from '../../net/index.ts';
import {
  type ApplyResult,
  Backoff,
  type Clock,
  earliest,
  mergeResults,
  type TableDump,
  Tracker,
} from '../../reconcile/index.ts';
import { Attempt } from './attempt.ts';
import { destroySets } from './destroy.ts';
import { dumpSets } from './dump.ts';
import { gapOf, type SetGap, SetGaps } from './gaps.ts';
import { rebuild, sameShape } from './replace.ts';
import { SetContents } from './set-contents.ts';
import { type Refused, writeMembers } from './write.ts';

/** FelixConfiguration's MaxIpsetSize. */
export const DEFAULT_MAX_ELEMENTS = 1_048_576;

export interface IpSetSpec extends Omit<IpSet, 'maxElements'> {
  readonly maxElements?: number;
}

export interface IpSetDriverOptions {
  /** Of protocol NETLINK_NETFILTER. */
  readonly socket: NetlinkSocket;
  /** Default: both. A set of the other family's prefix is not ours then. */
  readonly families?: readonly Family[];
  readonly clock: Clock;
}

export interface SetResult extends ApplyResult {
  /** Sets that have become, or are no longer, other than desired, or are so in another way. */
  readonly changed: ReadonlySet<string>;
}

const BOTH: ReadonlySet<Family> = new Set([4, 6]);

/** After so long an audit lets others have their turn, milliseconds. */
const AUDIT_SLICE = 20;

/** Names that are ours: `cali4…`, `cali6…`, and what very old versions made. */
const OWN_NAMES = { 4: /^(cali4|felix-(all|masq)-ipam-pools$)/, 6: /^cali6/ } as const;

export class IpSetDriver {
  readonly #socket: NetlinkSocket;
  readonly #clock: Clock;
  readonly #owns: (name: string) => boolean;
  readonly #sets = new Tracker<string, IpSetHeader>(sameShape);
  readonly #members = new Map<string, SetContents>();
  /** Sets whose members may differ from what is desired. */
  readonly #dirty = new Set<string>();
  /** Sets that an audit is to read again. */
  readonly #unaudited = new Set<string>();
  readonly #backoff = new Backoff<string>();
  readonly #gaps = new SetGaps();
  /** So far; `found`: sets in the kernel when it was last read, others' included. */
  readonly counts = { batches: 0, operations: 0, errors: 0, found: 0 };

  constructor(options: IpSetDriverOptions) {
    this.#socket = options.socket;
    this.#clock = options.clock;
    const families = options.families ?? [4, 6];
    this.#owns = (name) => families.some((family) => OWN_NAMES[family].test(name));
  }

  /** The set with exactly these members, in the text that calc gives: of the set's family only. */
  setDesired(spec: IpSetSpec, members: Iterable<string>): void {
    const set: IpSet = { ...spec, maxElements: spec.maxElements ?? DEFAULT_MAX_ELEMENTS };
    let own = this.#members.get(set.name);
    if (!own || !sameShape(own.set, set)) {
      own = new SetContents(set);
      this.#members.set(set.name, own);
    }
    own.replace(members);
    this.#sets.setDesired(set.name, set);
    this.#touch(set.name);
  }

  /** The set goes at the next `applyRemovals`, or as soon after as no rule names it. */
  removeDesired(name: string): void {
    this.#members.delete(name);
    this.#sets.removeDesired(name);
    this.#dirty.delete(name);
    this.#unaudited.delete(name);
    this.#backoff.forget(name);
    this.#gaps.set(name, null);
  }

  *desired(): Generator<IpSet> {
    for (const { set } of this.#members.values()) yield set;
  }

  /** Members are told in full, or how many there are. */
  dump(full: boolean): TableDump[] {
    return [dumpSets(this.#sets.actual, this.#members, this.#gaps.all, full)];
  }

  /** Sets that are not as desired, as of the last `applyUpdates`. */
  get gaps(): ReadonlyMap<string, SetGap> {
    return this.#gaps.all;
  }

  /** A RangeError when the set is not desired. */
  addMembers(name: string, members: Iterable<string>): void {
    const own = this.#desiredMembers(name);
    for (const member of members) own.add(member);
    this.#touch(name);
  }

  removeMembers(name: string, members: Iterable<string>): void {
    const own = this.#desiredMembers(name);
    for (const member of members) own.remove(member);
    this.#touch(name);
  }

  /**
   * Reads which sets there are. The members of desired ones are read by the next `applyUpdates`, where nothing is known of
   * them yet; else by as many calls as it takes, each of which reads for a moment only.
   */
  resync(): void {
    const all = dumpSetHeaders(this.#socket);
    this.counts.found = all.length;
    const found = all.filter(({ name }) => this.#owns(name) || this.#members.has(name));
    this.#sets.replaceActual(new Map(found.map((header) => [header.name, header])));
    for (const [name, own] of this.#members) {
      if (own.known) this.#unaudited.add(name);
      this.#touch(name);
    }
  }

  /** Of these sets, creates those that are desired and not there, empty: so that rules can name them. */
  createMissing(names: readonly string[]): void {
    this.#create(new Attempt(this.#clock()), names);
  }

  /** Creates sets and brings their members up to date. What cannot be done of one set does not keep the others waiting. */
  applyUpdates(): SetResult {
    const attempt = new Attempt(this.#clock());
    this.#sets.release(attempt.now);
    for (const name of this.#backoff.takeDue(attempt.now)) this.#dirty.add(name);
    const before = this.#create(attempt) + this.#rebuild(attempt);
    const touched: string[] = [];
    const ready: SetContents[] = [];
    for (const name of this.#due(attempt)) {
      touched.push(name);
      if (this.#isThere(name) && this.#learn(name, attempt)) ready.push(this.#members.get(name) as SetContents);
    }
    const written = writeMembers(this.#socket, ready);
    this.#settle(ready, written.refused, attempt);
    for (const name of touched) this.#gaps.set(name, this.#gapOf(name, attempt));
    const { errors } = attempt;
    const audit = this.#unaudited.size > 0 ? attempt.now : null;
    const retryAt = earliest(this.#sets.nextDue(), this.#backoff.nextDue(), audit);
    const operations = this.#counted(before + written.operations, errors);
    return { operations, errors, retryAt, changed: this.#gaps.takeChanged() };
  }

  /**
   * Removes the sets that are ours and not desired; of these families only, when the others' rules may still name some. One
   * that a rule still names is tried again later: no error.
   */
  applyRemovals(families: ReadonlySet<Family> = BOTH): ApplyResult {
    const now = this.#clock();
    this.#sets.release(now);
    const { operations, errors } = destroySets(this.#socket, this.#sets, families, now);
    return { operations: this.#counted(operations, errors), errors, retryAt: this.#sets.nextDue() };
  }

  #counted(operations: number, errors: ReadonlyMap<string, CalicoError>): number {
    if (operations > 0) this.counts.batches++;
    this.counts.operations += operations;
    this.counts.errors += errors.size;
    return operations;
  }

  /** Both, for those who have no rules to write in between. */
  apply(): ApplyResult {
    return mergeResults(this.applyUpdates(), this.applyRemovals());
  }

  #create(attempt: Attempt, among?: readonly string[]): number {
    const wanted = [...this.#sets.pendingWrites].filter((name) => !this.#sets.actual.has(name));
    const names = among ? wanted.filter((name) => among.includes(name)) : wanted;
    const sets = names.map((name) => (this.#members.get(name) as SetContents).set);
    const failures = this.#socket.batch(sets, encodeSetCreate);
    for (const [i, set] of sets.entries()) {
      const failure = failures.get(i);
      if (!failure) {
        this.#sets.setActual(set.name, set);
        this.#members.get(set.name)?.exists();
        this.#touch(set.name);
      } else {
        this.#sets.failed(set.name, attempt.now);
        attempt.fail(set.name, kernelError(set.name, 'cannot create the set', failure));
      }
    }
    return names.length;
  }

  /** Sets that are there with another type or size. */
  #rebuild(attempt: Attempt): number {
    let operations = 0;
    for (const name of [...this.#sets.pendingWrites]) {
      if (!this.#sets.actual.has(name)) continue;
      const own = this.#members.get(name) as SetContents;
      const built = rebuild(this.#socket, this.#sets, own);
      operations += built.operations;
      if (built.error) {
        this.#sets.failed(name, attempt.now);
        attempt.fail(name, built.error);
      } else this.#touch(name);
    }
    return operations;
  }

  /** Sets to be looked at: all that may differ, and of those that an audit reads what a moment allows. */
  *#due({ now }: Attempt): Generator<string> {
    yield* [...this.#dirty];
    for (const name of this.#unaudited) {
      if (this.#clock() - now >= AUDIT_SLICE) return;
      this.#unaudited.delete(name);
      (this.#members.get(name) as SetContents).known = false;
      yield name;
    }
  }

  /** Reads what is in a set that we did not make. False when that does not succeed. */
  #learn(name: string, attempt: Attempt): boolean {
    const own = this.#members.get(name) as SetContents;
    try {
      if (!own.known) own.exists(dumpSetMembers(this.#socket, own.set));
      return true;
    } catch (error) {
      if (!(error instanceof CalicoError)) throw error;
      this.#failed(name, (error.cause as Refusal | undefined)?.name, attempt);
      attempt.fail(name, error);
      return false;
    }
  }

  #settle(sets: readonly SetContents[], refused: readonly Refused[], attempt: Attempt): void {
    for (const { set } of sets) this.#dirty.delete(set.name);
    for (const { own, members, command, failure } of refused) {
      const { name } = own.set;
      const one = members.length === 1;
      const what = `cannot ${command} ${one ? members[0] : 'all members'}`;
      attempt.fail(name, kernelError(name, what, failure), one ? `${name} ${members[0]}` : name);
    }
    const failures = new Map(refused.map(({ own, failure }) => [own.set.name, failure.name]));
    for (const [name, failure] of failures) this.#failed(name, failure, attempt);
    for (const { set } of sets) if (!failures.has(set.name)) this.#backoff.forget(set.name);
  }

  /** The set is tried again later. If somebody took it away it is made anew then. */
  #failed(name: string, failure: string | undefined, attempt: Attempt): void {
    this.#dirty.delete(name);
    this.#backoff.failed(name, attempt.now);
    if (failure !== 'ENOENT') return;
    this.#sets.removeActual(name);
    this.#sets.failed(name, attempt.now);
  }

  /** Of a set that waits for another try nothing new is known: the reason stays. */
  #gapOf(name: string, attempt: Attempt): SetGap | null {
    const own = this.#members.get(name);
    const header = this.#sets.actual.get(name);
    const reason = attempt.failureOf(name)?.message ?? this.#gaps.all.get(name)?.reason ?? 'it waits';
    return own ? gapOf(own, { exists: header !== undefined, asDesired: this.#isThere(name) }, reason) : null;
  }

  #touch(name: string): void {
    this.#backoff.forget(name);
    // What had a gap is looked at once more when it has none.
    if (this.#members.get(name)?.dirty || this.#gaps.all.has(name)) this.#dirty.add(name);
    else this.#dirty.delete(name);
  }

  /** Does the set exist as it is to be? */
  #isThere(name: string): boolean {
    const actual = this.#sets.actual.get(name);
    return actual !== undefined && sameShape(actual, (this.#members.get(name) as SetContents).set);
  }

  #desiredMembers(name: string): SetContents {
    const own = this.#members.get(name);
    if (!own) throw new RangeError(`no such set: ${name}`);
    return own;
  }
}
