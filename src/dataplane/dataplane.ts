/**
 * The apply loop: from dataplane updates and the kernel's notifications to the fewest writes, in the one safe order.
 *
 *     what is gone stops being reachable → IP sets → bandwidth limits
 *     → for each family: chains → forwarding, proxy ARP, tunnels, neighbours, routes
 *     → sets that nothing names any more go, conntrack entries of what went
 *
 * Nothing is written before everything that exists has been told (`in-sync`). Routes are the last to come, and only when
 * every write before them has succeeded: a policy is in the kernel before the route that brings its endpoint traffic.
 *
 * What fails is in nobody's way: a table that cannot be read, a family whose chains cannot be written. It waits for
 * another try, which comes by itself, or at once when there is something new to write; the rest of the round goes on.
 */
import type { DataplaneUpdate } from '../calc/index.ts';
import type { Iptables } from '../drivers/iptables/index.ts';
import { CalicoError } from '../errors/index.ts';
import type { KernelEvent } from '../kernel/index.ts';
import { addressOf, type Family, familyOf, lengthOf, maxLength } from '../net/index.ts';
import { type ApplyResult, Backoff, mergeResults } from '../reconcile/index.ts';
import { DISPATCH, ipsetName, STATIC_SETS } from '../rules/index.ts';
import { type Audit, Audits } from './audits.ts';
import { Complaints } from './complaints.ts';
import type { DataplaneConfig } from './config.ts';
import type { Drivers } from './drivers.ts';
import { EndpointStatuses } from './endpoint-statuses.ts';
import { Intake } from './intake.ts';
import { type Job, Jobs } from './jobs.ts';
import { Managers } from './managers.ts';
import { Rounds } from './rounds.ts';
import type { StatusListener } from './status.ts';

/** pino's, or anything like it. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** `partly`: some objects are not as desired. `failed`: chains are not, so that nothing is opened for them. */
export type RoundOutcome = 'done' | 'partly' | 'failed';

/** What a round had to do. */
export interface RoundWork {
  /** Updates taken in. */
  readonly updates: number;
  readonly audits: readonly Audit[];
  /** Changes asked of the kernel, beside those of chains. */
  readonly operations: number;
  /** What was not done, by the name of the object. */
  readonly problems: ReadonlyMap<string, string>;
}

export interface DataplaneOptions extends StatusListener {
  readonly config: DataplaneConfig;
  readonly drivers: Drivers;
  readonly log: Log;
  /** After each round: how long it took, in seconds. */
  readonly onRound?: (seconds: number, outcome: RoundOutcome, work: RoundWork) => void;
}

const NOTHING: ApplyResult = { operations: 0, errors: new Map(), retryAt: null };

export class Dataplane {
  readonly #drivers: Drivers;
  readonly #log: Log;
  readonly #onRound: DataplaneOptions['onRound'];
  readonly #managers: Managers;
  readonly #statuses: EndpointStatuses;
  readonly #audits: Audits;
  readonly #jobs = new Jobs();
  readonly #intake: Intake;
  readonly #complaints: Complaints;
  /** When what threw in taking updates in is tried again. */
  readonly #faultsWait = new Backoff<'faults'>();
  readonly #rounds = new Rounds(() => this.#round());
  #queue: DataplaneUpdate[] = [];
  #inSync = false;
  #started = false;
  /** Whether the managers know of everything that there was at `in-sync`. */
  #takenIn = false;
  #leftovers: 'to-clear' | 'none' = 'to-clear';
  /** Families whose chains are to be read before they are written. */
  readonly #unread: Set<Family>;
  /** Families whose endpoints have been made reachable once. */
  readonly #opened = new Set<Family>();
  #roundStart: number | null = null;

  constructor(options: DataplaneOptions) {
    this.#drivers = options.drivers;
    this.#log = options.log;
    this.#onRound = options.onRound;
    this.#managers = new Managers(options.config, options.drivers, options.log);
    this.#intake = new Intake((update) => this.#managers.onUpdate(update), this.#managers.faults);
    this.#complaints = new Complaints(options.log);
    this.#statuses = new EndpointStatuses(this.#managers, options.drivers, options);
    this.#audits = new Audits(options.config.refresh, () => this.#kick());
    this.#unread = new Set(this.#managers.tables.families);
    options.drivers.links.onAddress(() => this.#managers.onAddresses());
  }

  get managers(): Managers {
    return this.#managers;
  }

  /** When the round under way began, in milliseconds of `performance.now`; null: none is. */
  get roundStart(): number | null {
    return this.#roundStart;
  }

  /** What could not be done so far and waits for another try, by the name of the object, each with the reason. */
  get undone(): ReadonlyMap<string, string> {
    return this.#complaints.open;
  }

  onUpdate(update: DataplaneUpdate): void {
    this.#queue.push(update);
    if (update.type === 'in-sync') this.#inSync = true;
    this.#kick();
  }

  onKernelEvents(events: readonly KernelEvent[]): void {
    const { links, routes } = this.#drivers;
    if (events.some(({ type }) => type === 'overrun')) {
      this.#log.warn({}, 'kernel notifications were lost: reading links and routes again');
      this.#audits.demand('links');
      this.#audits.demand('routes');
    } else {
      for (const event of events) {
        links.handle(event);
        routes.handle(event);
      }
    }
    this.#kick();
  }

  /** Stops writing; what is in the kernel stays. Resolves when no write is under way. */
  async close(): Promise<void> {
    this.#audits.close();
    await this.#rounds.close();
  }

  #kick(): void {
    if (this.#inSync) this.#rounds.want();
  }

  async #round(): Promise<void> {
    const start = performance.now();
    this.#roundStart = start;
    const updates = this.#queue.length;
    const audits = [...this.#audits.due];
    const first = !this.#started;
    // What is new is tried at once, whatever failed before.
    this.#jobs.release(updates > 0 ? Number.POSITIVE_INFINITY : start);
    this.#faultsWait.takeDue(start);
    let results: ApplyResult[] = [];
    await this.#jobs.run('round', async () => {
      results = await this.#apply();
    });
    const { errors, retryAt, operations } = mergeResults(...results, this.#faults(), this.#failedJobs(start));
    const waiting = this.#waiting();
    this.#complaints.settle(errors, (subject) => waiting.has(subject) || waiting.has(subject.split(' ', 1)[0]!));
    this.#rounds.wantAt(retryAt);
    this.#log.debug({ operations }, 'applied');
    const outcome = this.#outcome(errors.size);
    this.#managers.faults.attempt('statuses', () => this.#statuses.settle(this.#jobs.failures, this.#takenIn));
    this.#roundStart = null;
    const problems = new Map([...errors].map(([subject, error]) => [subject, String(error)]));
    this.#onRound?.((performance.now() - start) / 1000, outcome, { updates, audits, operations, problems });
    const due = this.#leftovers === 'to-clear' && (first || audits.includes('iptables'));
    if (due && outcome !== 'failed') await this.#clearLeftovers();
  }

  async #apply(): Promise<ApplyResult[]> {
    const { ipsets, qdiscs, conntrack } = this.#drivers;
    if (!this.#started && !(await this.#jobs.run('start', () => this.#start()))) return [];
    this.#intake.take(this.#queue.splice(0));
    await this.#readAgain();
    this.#managers.settle();
    this.#takenIn = true;

    const results = [await this.#attempt('removal of routes', () => this.#applyRoutes())];
    results.push({ ...NOTHING, retryAt: this.#managers.tunnels.dueAt });
    const sets = ipsets.applyUpdates();
    this.#managers.tables.recheck(sets.changed);
    results.push(sets);
    results.push(await this.#attempt('bandwidths', () => qdiscs.apply()));
    results.push(...(await this.#applyFamilies()));
    const { failures } = this.#jobs;
    results.push(
      ipsets.applyRemovals(
        new Set(this.#managers.tables.families.filter((family) => !failures.has(`chains of IPv${family}`))),
      ),
    );
    if (conntrack.pending) results.push(await this.#attempt('connections', () => conntrack.apply()));
    return results;
  }

  /** What is done when the job succeeds, and nothing when it does not. */
  async #attempt(job: Job, apply: () => ApplyResult | Promise<ApplyResult>): Promise<ApplyResult> {
    let result = NOTHING;
    await this.#jobs.run(job, async () => {
      result = await apply();
    });
    return result;
  }

  /** Reads the kernel. Where it has no dispatch yet, one that knows no workload goes first: it closes their interfaces. */
  async #start(): Promise<void> {
    const { iptables, ipsets, links, qdiscs } = this.#drivers;
    links.resync();
    for (const driver of [qdiscs, ipsets]) driver.resync();
    this.#managers.settle();
    await Promise.all(
      iptables.map((family) => this.#jobs.run(`chains of IPv${family.family}`, () => this.#close(family))),
    );
    this.#started = true;
  }

  async #close(iptables: Iptables): Promise<void> {
    await this.#readChains(iptables);
    if (iptables.tables.filter.has(DISPATCH.fromWorkload)) return;
    // Where the other backend still polices, closing workloads would lose packets that policy allows.
    if (await this.#drivers.leftovers.police(iptables.family)) return;
    this.#drivers.ipsets.createMissing(STATIC_SETS.map((id) => ipsetName(id, iptables.family)));
    await iptables.apply({ removals: false });
  }

  async #readChains(iptables: Iptables): Promise<void> {
    if (!this.#unread.has(iptables.family)) return;
    await iptables.load();
    this.#unread.delete(iptables.family);
  }

  /** What an audit is due of. */
  async #readAgain(): Promise<void> {
    const { ipsets, links, neighbours, fdb, qdiscs, routes, sysctls } = this.#drivers;
    const readers: Record<Audit, () => void> = {
      links: () => links.resync(),
      ipsets: () => ipsets.resync(),
      routes: () => {
        routes.resync(this.#opened);
        for (const driver of [neighbours, fdb, qdiscs, sysctls]) driver.resync();
      },
      iptables: () => {
        for (const family of this.#managers.tables.families) this.#unread.add(family);
      },
    };
    for (const audit of [...this.#audits.due])
      if (await this.#jobs.run(`reading of ${audit}`, readers[audit])) this.#audits.done(audit);
  }

  /** Every family gets its turn, whatever becomes of the other. */
  async #applyFamilies(): Promise<ApplyResult[]> {
    const turns: Promise<ApplyResult>[] = [];
    for (const family of this.#drivers.iptables) {
      const turn = this.#applyFamily(family);
      turns.push(turn);
      if (!family.runsBeside) await turn;
    }
    return Promise.all(turns);
  }

  /** The chains of one family; then what they are for may come. When they fail the state before stands. */
  async #applyFamily(iptables: Iptables): Promise<ApplyResult> {
    const { family } = iptables;
    const { sysctls, devices } = this.#drivers;
    let chains = NOTHING;
    const written = await this.#jobs.run(`chains of IPv${family}`, async () => {
      await this.#readChains(iptables);
      chains = await iptables.apply();
      this.#managers.open(family);
    });
    if (!written) {
      this.#unread.add(family);
      return NOTHING;
    }
    const reach = await this.#attempt(`routes of IPv${family}`, () => {
      if (!this.#opened.has(family)) this.#follow(family);
      this.#opened.add(family);
      return mergeResults(sysctls.apply(), devices.apply(), this.#applyRoutes());
    });
    return mergeResults(chains, reach);
  }

  /** Reads where packets go now that it is known where they should: before, all would have seemed to be leftovers. */
  #follow(family: Family): void {
    const { routes, neighbours, fdb } = this.#drivers;
    routes.resync([family]);
    for (const driver of [neighbours, fdb]) driver.resync();
  }

  /** Once everything is in its place. What fails waits for the next audit. */
  async #clearLeftovers(): Promise<void> {
    this.#leftovers = 'none';
    try {
      await this.#drivers.leftovers.clear();
    } catch (error) {
      this.#leftovers = 'to-clear';
      this.#log.warn({ error: String(error) }, 'what other settings left in the kernel stays for now');
    }
  }

  #applyRoutes(): ApplyResult {
    const { routes, neighbours, fdb, conntrack } = this.#drivers;
    const nextHops = mergeResults(neighbours.apply(), fdb.apply());
    const result = routes.apply();
    const hosts = result.released.filter((dst) => lengthOf(dst) === maxLength(familyOf(dst)));
    conntrack.endConnections(hosts.map(addressOf));
    return mergeResults(nextHops, result);
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

  /** Subjects of what has failed and waits for another try; of sets and their members, the sets. */
  #waiting(): ReadonlySet<string> {
    const { ipsets, iptables, routes, neighbours, fdb, qdiscs, sysctls } = this.#drivers;
    const kept = [routes, neighbours, fdb, qdiscs, sysctls].flatMap(({ failures }) => [...failures.keys()]);
    const chains = iptables.flatMap((family) => [...family.refusals()].map(({ table, chain }) => `${table} ${chain}`));
    return new Set([...kept, ...chains, ...ipsets.gaps.keys(), ...this.#jobs.failures.keys()]);
  }

  /** What failed as a whole in the round that began then, and when it is due. */
  #failedJobs(since: number): ApplyResult {
    const errors = new Map<string, CalicoError>();
    for (const [job, { error, at }] of this.#jobs.failures) if (at >= since) errors.set(job, kernelFault(error));
    return { operations: 0, errors, retryAt: this.#jobs.nextDue() };
  }

  #outcome(errors: number): RoundOutcome {
    const { ipsets, iptables, routes, neighbours, fdb, qdiscs, sysctls } = this.#drivers;
    const { failures } = this.#jobs;
    if ((['round', 'start', 'chains of IPv4', 'chains of IPv6'] as const).some((job) => failures.has(job)))
      return 'failed';
    const kept = [routes, neighbours, fdb, qdiscs, sysctls].map((driver) => driver.failures);
    const waiting = [failures, ipsets.gaps, ...kept];
    const refused = iptables.some((family) => !family.refusals().next().done);
    return errors > 0 || refused || waiting.some(({ size }) => size > 0) ? 'partly' : 'done';
  }
}

/** What is not the kernel's answer is our own mistake. */
function kernelFault(error: unknown): CalicoError {
  return error instanceof CalicoError
    ? error
    : new CalicoError('E_INTERNAL', 'dataplane', String(error), { cause: error });
}
