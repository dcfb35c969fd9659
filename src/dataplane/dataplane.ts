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
import type { KernelEvent } from '../kernel/index.ts';
import { addressOf, familyOf, lengthOf, maxLength } from '../net/index.ts';
import { type ApplyResult, inSlices, mergeResults } from '../reconcile/index.ts';
import { type Audit, Audits } from './audits.ts';
import type { DataplaneConfig } from './config.ts';
import type { Drivers } from './drivers.ts';
import { EndpointStatuses } from './endpoint-statuses.ts';
import { Intake } from './intake.ts';
import { type Job, Jobs } from './jobs.ts';
import { KernelReading } from './kernel-reading.ts';
import type { Log } from './log.ts';
import { Managers } from './managers.ts';
import { Rounds } from './rounds.ts';
import type { StatusListener } from './status.ts';
import { type RoundOutcome, Undone } from './undone.ts';

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

const clock = (): number => performance.now();
const NOTHING: ApplyResult = { operations: 0, errors: new Map(), retryAt: null };

export class Dataplane {
  readonly #drivers: Drivers;
  readonly #log: Log;
  readonly #onRound: DataplaneOptions['onRound'];
  readonly #managers: Managers;
  readonly #statuses: EndpointStatuses;
  readonly #audits: Audits;
  readonly #checkAfterWrite: number | undefined;
  readonly #jobs = new Jobs();
  readonly #intake: Intake;
  readonly #reading: KernelReading;
  readonly #undone: Undone;
  readonly #rounds = new Rounds(() => this.#round());
  #queue: DataplaneUpdate[] = [];
  #inSync = false;
  #started = false;
  /** Whether the managers know of everything that there was at `in-sync`. */
  #takenIn = false;
  #leftovers: 'to-clear' | 'none' = 'to-clear';
  #roundStart: number | null = null;

  constructor(options: DataplaneOptions) {
    this.#drivers = options.drivers;
    this.#log = options.log;
    this.#onRound = options.onRound;
    this.#managers = new Managers(options.config, options.drivers, options.log);
    this.#intake = new Intake((update) => this.#managers.onUpdate(update), this.#managers.faults);
    this.#undone = new Undone(this.#managers, options.drivers, this.#jobs, options.log);
    this.#statuses = new EndpointStatuses(this.#managers, options.drivers, options);
    this.#checkAfterWrite = options.config.checkAfterWrite;
    this.#audits = new Audits(options.config.refresh, () => this.#kick());
    this.#reading = new KernelReading(options.drivers, this.#jobs, this.#audits);
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
    return this.#undone.all;
  }

  onUpdate(update: DataplaneUpdate): void {
    this.#queue.push(update);
    if (update.type === 'in-sync') this.#inSync = true;
    this.#kick();
  }

  /** In place of those of the configuration so far. */
  configureEncapsulations(encapsulations: DataplaneConfig['encapsulations']): void {
    this.#managers.tunnels.configure(encapsulations);
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
    this.#undone.release(start, updates > 0);
    let results: ApplyResult[] = [];
    await this.#jobs.run('round', async () => {
      results = await this.#apply();
    });
    const { errors, retryAt, operations, outcome } = this.#undone.settle(results, start);
    this.#rounds.wantAt(retryAt);
    this.#log.debug({ operations }, 'applied');
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
    await inSlices(this.#intake.take(this.#queue.splice(0)), clock);
    await this.#reading.audit();
    const { policies } = this.#managers;
    await inSlices(policies.prepare(), clock);
    this.#managers.settle();
    policies.letGo();
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

  async #start(): Promise<void> {
    this.#reading.all();
    this.#managers.settle();
    await this.#reading.close();
    this.#started = true;
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
      await this.#reading.chains(iptables);
      chains = await iptables.apply();
      if (chains.operations > 0 && this.#checkAfterWrite) this.#audits.demandLater('iptables', this.#checkAfterWrite);
      this.#managers.open(family);
    });
    if (!written) {
      this.#reading.distrust(family);
      return NOTHING;
    }
    const reach = await this.#attempt(`routes of IPv${family}`, () => {
      this.#reading.routes(family);
      return mergeResults(sysctls.apply(), devices.apply(), this.#applyRoutes());
    });
    return mergeResults(chains, reach);
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
}
