/** What could not be done, of all that the dataplane keeps: how a round went, what the log is told, when the next try is due. */
import { CalicoError } from '../errors/index.ts';
import { type ApplyResult, Backoff, mergeResults } from '../reconcile/index.ts';
import { Complaints } from './complaints.ts';
import type { Drivers } from './drivers.ts';
import type { Jobs } from './jobs.ts';
import type { Log } from './log.ts';
import type { Managers } from './managers.ts';

/** `partly`: some objects are not as desired. `failed`: chains are not, so that nothing is opened for them. */
export type RoundOutcome = 'done' | 'partly' | 'failed';

export interface Balance extends ApplyResult {
  readonly outcome: RoundOutcome;
}

/** Without these nothing is opened. */
const VITAL = ['round', 'start', 'chains of IPv4', 'chains of IPv6'] as const;

export class Undone {
  readonly #managers: Managers;
  readonly #drivers: Drivers;
  readonly #jobs: Jobs;
  readonly #complaints: Complaints;
  /** When what threw in the managers is tried again. */
  readonly #faultsWait = new Backoff<'faults'>();

  constructor(managers: Managers, drivers: Drivers, jobs: Jobs, log: Log) {
    this.#managers = managers;
    this.#drivers = drivers;
    this.#jobs = jobs;
    this.#complaints = new Complaints(log);
  }

  /** By the name of the object, each with the reason. */
  get all(): ReadonlyMap<string, string> {
    return this.#complaints.open;
  }

  /** A round begins at that time (ms): what is due may be tried; with something new to write, all. */
  release(now: number, isNew: boolean): void {
    this.#jobs.release(isNew ? Number.POSITIVE_INFINITY : now);
    this.#faultsWait.takeDue(now);
  }

  /** Of the round that began then (ms) and has these results. */
  settle(results: readonly ApplyResult[], began: number): Balance {
    const merged = mergeResults(...results, this.#faults(), this.#failedJobs(began));
    const waiting = this.#waiting();
    this.#complaints.settle(merged.errors, (subject) => waiting.has(subject) || waiting.has(subject.split(' ', 1)[0]!));
    return { ...merged, outcome: this.#outcome(merged.errors.size + waiting.size) };
  }

  /** What threw in taking updates in, or in making chains: all of it is tried in every round, and there is one when it is due. */
  #faults(): ApplyResult {
    const { faults, tables } = this.#managers;
    const all = new Map(faults.all);
    for (const { subject, error } of tables.broken()) all.set(subject, error);
    if (all.size === 0) this.#faultsWait.forget('faults');
    else if (!this.#faultsWait.waits('faults')) this.#faultsWait.failed('faults', performance.now());
    const errors = new Map([...all].map(([subject, error]) => [subject, kernelFault(error)]));
    return { operations: 0, errors, retryAt: this.#faultsWait.nextDue() };
  }

  /** What failed as a whole in the round that began then, and when it is due. */
  #failedJobs(since: number): ApplyResult {
    const errors = new Map<string, CalicoError>();
    for (const [job, { error, at }] of this.#jobs.failures) if (at >= since) errors.set(job, kernelFault(error));
    return { operations: 0, errors, retryAt: this.#jobs.nextDue() };
  }

  /** Subjects of what has failed and waits for another try; of sets and their members, the sets. */
  #waiting(): ReadonlySet<string> {
    const { ipsets, iptables, routes, neighbours, fdb, qdiscs, sysctls } = this.#drivers;
    const kept = [routes, neighbours, fdb, qdiscs, sysctls].flatMap(({ failures }) => [...failures.keys()]);
    const chains = iptables.flatMap((family) => [...family.refusals()].map(({ table, chain }) => `${table} ${chain}`));
    return new Set([...kept, ...chains, ...ipsets.gaps.keys(), ...this.#jobs.failures.keys()]);
  }

  #outcome(undone: number): RoundOutcome {
    if (VITAL.some((job) => this.#jobs.failures.has(job))) return 'failed';
    return undone > 0 ? 'partly' : 'done';
  }
}

/** What is not the kernel's answer is our own mistake. */
function kernelFault(error: unknown): CalicoError {
  return error instanceof CalicoError
    ? error
    : new CalicoError('E_INTERNAL', 'dataplane', String(error), { cause: error });
}
