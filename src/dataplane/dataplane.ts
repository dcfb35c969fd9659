/**
 * The apply loop: from dataplane updates and the kernel's notifications to the fewest writes, in the one safe order.
 *
 *     what is gone stops being reachable → IP sets → bandwidth limits
 *     → for each family: chains → forwarding, proxy ARP, tunnels, neighbours, routes
 *     → sets that nothing names any more go, conntrack entries of what went
 *
 * Nothing is written before everything that exists has been told (`in-sync`). Routes are the last to come, and only when
 * every write before them has succeeded: a policy is in the kernel before the route that brings its endpoint traffic.
 * One round runs at a time; what comes meanwhile waits for the next, which takes it all at once.
 */
import type { DataplaneUpdate } from '../calc/index.ts';
import type { Iptables } from '../drivers/iptables/index.ts';
import type { KernelEvent } from '../kernel/index.ts';
import { addressOf, type Family, familyOf, lengthOf, maxLength } from '../net/index.ts';
import { type ApplyResult, Backoff, mergeResults } from '../reconcile/index.ts';
import { DISPATCH, ipsetName, STATIC_SETS } from '../rules/index.ts';
import { type Audit, Audits } from './audits.ts';
import type { DataplaneConfig } from './config.ts';
import type { Drivers } from './drivers.ts';
import { Managers } from './managers.ts';
import type { OnEndpointStatus } from './status.ts';

/** pino's, or anything like it. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** `partly`: some objects wait for another try. `failed`: chains could not be written, so nothing was opened for them. */
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

export interface DataplaneOptions {
  readonly config: DataplaneConfig;
  readonly drivers: Drivers;
  readonly log: Log;
  /** After each round: how long it took, in seconds. */
  readonly onRound?: (seconds: number, outcome: RoundOutcome, work: RoundWork) => void;
  readonly onEndpointStatus?: OnEndpointStatus;
}

const NOTHING: ApplyResult = { operations: 0, errors: new Map(), retryAt: null };

export class Dataplane {
  readonly #drivers: Drivers;
  readonly #log: Log;
  readonly #onRound: DataplaneOptions['onRound'];
  readonly #managers: Managers;
  readonly #audits: Audits;
  readonly #backoff = new Backoff<'chains'>();
  #queue: DataplaneUpdate[] = [];
  #inSync = false;
  #loaded = false;
  #leftovers: 'to-clear' | 'none' = 'to-clear';
  #setsFailed = false;
  /** Families whose endpoints have been made reachable once. */
  readonly #opened = new Set<Family>();
  #running = false;
  #roundStart: number | null = null;
  #updatesTaken = 0;
  #operations = 0;
  #problems: ReadonlyMap<string, string> = new Map();
  #wanted = false;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DataplaneOptions) {
    this.#drivers = options.drivers;
    this.#log = options.log;
    this.#onRound = options.onRound;
    this.#managers = new Managers(options.config, options.drivers);
    this.#audits = new Audits(options.config.refresh, () => this.#kick());
    options.drivers.links.onAddress(() => this.#managers.onAddresses());
  }

  get managers(): Managers {
    return this.#managers;
  }

  /** When the round under way began, in milliseconds of `performance.now`; null: none is. */
  get roundStart(): number | null {
    return this.#roundStart;
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
      links.resync();
      routes.resync();
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
    this.#closed = true;
    this.#audits.close();
    clearTimeout(this.#timer);
    while (this.#running) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  #kick(): void {
    if (!this.#inSync || this.#closed) return;
    this.#wanted = true;
    if (this.#running) return;
    this.#running = true;
    // After everything that is already on its way: one round for a whole batch.
    setImmediate(() => this.#run());
  }

  async #run(): Promise<void> {
    while (this.#wanted && !this.#closed) {
      this.#wanted = false;
      await this.#round();
    }
    this.#running = false;
  }

  async #round(): Promise<void> {
    const start = performance.now();
    this.#roundStart = start;
    this.#operations = 0;
    this.#updatesTaken = this.#queue.length;
    let outcome: RoundOutcome = 'failed';
    const first = !this.#loaded;
    const audits = this.#audits.takeDue();
    try {
      outcome = await this.#apply(audits);
      this.#backoff.forget('chains');
    } catch (error) {
      // The state before stands, and no route was added: try again, later each time.
      this.#backoff.failed('chains', start);
      this.#problems = new Map([['chains', String(error)]]);
      this.#log.error({ error: String(error) }, 'the kernel could not be programmed');
      this.#audits.demand('iptables');
      this.#retryAt(this.#backoff.nextDue());
    }
    this.#roundStart = null;
    const work = { updates: this.#updatesTaken, audits: [...audits] };
    this.#onRound?.((performance.now() - start) / 1000, outcome, {
      ...work,
      operations: this.#operations,
      problems: this.#problems,
    });
    const due = this.#leftovers === 'to-clear' && (first || audits.has('iptables'));
    if (due && outcome !== 'failed') await this.#clearLeftovers();
  }

  /** Throws E_KERNEL when chains could not be written. */
  async #apply(audits: ReadonlySet<Audit>): Promise<RoundOutcome> {
    const { ipsets, sysctls, neighbours, fdb, qdiscs, routes, conntrack } = this.#drivers;
    if (!this.#loaded) await this.#load();
    for (const update of this.#queue.splice(0)) this.#take(update);
    this.#managers.settle();
    if (audits.has('ipsets')) ipsets.resync();
    if (audits.has('routes')) for (const driver of [routes, neighbours, fdb, qdiscs, sysctls]) driver.resync();

    const results = [this.#applyRoutes()];
    const sets = ipsets.applyUpdates();
    results.push(sets);
    results.push(qdiscs.apply());
    results.push(...(await this.#applyFamilies(audits.has('iptables') || this.#setsRecovered(sets))));
    results.push(ipsets.applyRemovals());
    if (conntrack.pending) results.push({ ...(await conntrack.apply()), retryAt: null });
    return this.#report(results);
  }

  /** A chain was refused, perhaps, because it names a set that could not be made: when the sets are well, it is tried again. */
  #setsRecovered({ errors, retryAt }: ApplyResult): boolean {
    if (errors.size > 0) this.#setsFailed = true;
    if (!this.#setsFailed || errors.size > 0 || retryAt !== null) return false;
    this.#setsFailed = false;
    return true;
  }

  /** One update that cannot be taken must not keep the others from being. */
  #take(update: DataplaneUpdate): void {
    try {
      this.#managers.onUpdate(update);
    } catch (error) {
      this.#log.error({ type: update.type, error: String(error) }, 'an update could not be taken');
    }
  }

  /** Every family gets its turn, whatever becomes of the other. Throws the first failure. */
  async #applyFamilies(audit: boolean): Promise<ApplyResult[]> {
    const turns: Promise<ApplyResult>[] = [];
    for (const family of this.#drivers.iptables) {
      const turn = this.#applyFamily(family, audit);
      turns.push(turn);
      if (!family.runsBeside) await turn.catch(() => {});
    }
    await Promise.allSettled(turns);
    return Promise.all(turns);
  }

  /** The chains of one family; then what they are for may come. */
  async #applyFamily(iptables: Iptables, audit: boolean): Promise<ApplyResult> {
    await (audit ? iptables.audit() : iptables.apply());
    this.#managers.open(iptables.family);
    this.#opened.add(iptables.family);
    const { sysctls, devices } = this.#drivers;
    return mergeResults(sysctls.apply(), devices.apply(), this.#applyRoutes());
  }

  /** Reads the kernel. Where it has no dispatch yet, one that knows no workload goes first: it closes their interfaces. */
  async #load(): Promise<void> {
    const { iptables, ipsets, links, neighbours, fdb, qdiscs, routes } = this.#drivers;
    links.resync();
    for (const driver of [routes, neighbours, fdb, qdiscs, ipsets]) driver.resync();
    await Promise.all(iptables.map((family) => family.load()));
    this.#managers.settle();
    const fresh = iptables.filter(({ tables }) => !tables.filter.has(DISPATCH.fromWorkload));
    await Promise.all(fresh.map((family) => this.#closeUnlessPoliced(family)));
    this.#loaded = true;
  }

  /** Where the other backend still polices, closing workloads would lose packets that policy allows. */
  async #closeUnlessPoliced(iptables: Iptables): Promise<void> {
    if (await this.#drivers.leftovers.police(iptables.family)) return;
    this.#drivers.ipsets.createMissing(STATIC_SETS.map((id) => ipsetName(id, iptables.family)));
    await iptables.apply({ removals: false });
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
    const { routes, neighbours, fdb, conntrack, iptables } = this.#drivers;
    // At the start nothing is desired yet, so that all would seem to be leftovers.
    if (this.#opened.size < iptables.length) return NOTHING;
    const nextHops = mergeResults(neighbours.apply(), fdb.apply());
    const result = routes.apply();
    const hosts = result.released.filter((dst) => lengthOf(dst) === maxLength(familyOf(dst)));
    conntrack.endConnections(hosts.map(addressOf));
    return mergeResults(nextHops, result);
  }

  #report(results: readonly ApplyResult[]): RoundOutcome {
    const { errors, retryAt, operations } = mergeResults(...results);
    for (const [subject, error] of errors)
      this.#log.warn({ subject, error: String(error) }, 'not done, to be tried again');
    this.#operations = operations;
    this.#problems = new Map([...errors].map(([subject, error]) => [subject, String(error)]));
    this.#retryAt(retryAt);
    this.#log.debug({ operations }, 'applied');
    return errors.size === 0 ? 'done' : 'partly';
  }

  /** Milliseconds of the drivers' clock; null: nothing waits. */
  #retryAt(time: number | null): void {
    clearTimeout(this.#timer);
    if (time === null) return;
    this.#timer = setTimeout(() => this.#kick(), Math.max(0, time - performance.now()) + 1);
  }
}
