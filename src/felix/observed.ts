/**
 * What there is to know of a running Felix: for metrics, health and the state dump, which read it when they are asked.
 * Beside references to the parts it holds counts, which the parts that count tell it.
 */
import type { CalcGraph, DataplaneUpdate } from '../calc/index.ts';
import type { RoundOutcome, RoundWork } from '../dataplane/index.ts';
import { type ExecRun, execListeners } from '../kernel/index.ts';
import { type IdKey, idKey, idText, type Kind, type Update } from '../model/index.ts';
import { Distribution } from './distribution.ts';
import type { Enforcement } from './enforcement.ts';
import { EventLoop } from './event-loop.ts';
import type { StatusReports } from './status/index.ts';

export interface Round extends RoundWork {
  /** When it ended. */
  readonly time: Date;
  readonly seconds: number;
  readonly outcome: RoundOutcome;
}

/** Upstream's limit: a round of a large host on legacy iptables takes its time. */
const STUCK_SECONDS = 90;
/** Rounds that are remembered. */
const ROUNDS = 20;
const NONE = { batches: 0, operations: 0, errors: 0 };

interface Log {
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
}

export class Observed {
  readonly graph: CalcGraph;
  readonly reports: StatusReports;
  readonly eventLoop = new EventLoop();
  readonly started = new Date();
  readonly calc = { updates: new Map<Kind, number>(), outputs: 0, seconds: new Distribution() };
  readonly dataplane = {
    messages: new Map<DataplaneUpdate['type'], number>(),
    seconds: new Distribution(),
    updatesARound: new Distribution(),
    linksABatch: new Distribution(),
    addressesABatch: new Distribution(),
    failures: 0,
    operations: 0,
    errors: 0,
  };
  /** By program. */
  readonly runs = new Map<string, { calls: number; failures: number; lines: number }>();
  readonly startSeconds = new Distribution();
  readonly #log: Log;
  readonly #rounds: Round[] = [];
  /** Faults of stored resources that the log has named. */
  readonly #faults = new Map<IdKey, string>();
  #enforcement: Enforcement | undefined;
  /** Of changes to IP sets, by what was in force before. */
  readonly #setsBefore = { batches: 0, operations: 0, errors: 0 };
  /** Why another configuration is wanted than the one in force. */
  refused: readonly string[] = [];
  inSync = false;
  /** How often the datastore has been listed. */
  resyncs: () => number = () => 0;

  constructor(parts: { graph: CalcGraph; reports: StatusReports; log: Log }) {
    this.graph = parts.graph;
    this.reports = parts.reports;
    this.#log = parts.log;
    execListeners.add((run) => this.#onRun(run));
  }

  /** What is in force; absent until the configuration is known. */
  get enforcement(): Enforcement | undefined {
    return this.#enforcement;
  }

  set enforcement(next: Enforcement | undefined) {
    Object.assign(this.#setsBefore, this.setCounts);
    this.#enforcement = next;
  }

  /** Changes to IP sets since the start. */
  get setCounts(): { readonly batches: number; readonly operations: number; readonly errors: number } {
    const before = this.#setsBefore;
    const { batches, operations, errors } = this.#enforcement?.drivers.ipsets.counts ?? NONE;
    return {
      batches: before.batches + batches,
      operations: before.operations + operations,
      errors: before.errors + errors,
    };
  }

  /** The latest, oldest first. */
  get rounds(): readonly Round[] {
    return this.#rounds;
  }

  /** What the dataplane is stuck in, in words; null: it is not. */
  get stuck(): string | null {
    const start = this.enforcement?.dataplane.roundStart ?? null;
    const seconds = start === null ? 0 : (performance.now() - start) / 1000;
    return seconds > STUCK_SECONDS ? `a round of writes has been under way for ${Math.round(seconds)} s` : null;
  }

  /** Passes to calc what the datastore tells. */
  onUpdates(updates: readonly Update[]): void {
    const start = performance.now();
    this.graph.onUpdates(updates);
    this.calc.seconds.add((performance.now() - start) / 1000);
    for (const update of updates) {
      count(this.calc.updates, update.id.kind);
      this.#note(update);
    }
  }

  /** Calc has told this. */
  onOutput(type: DataplaneUpdate['type']): void {
    this.calc.outputs++;
    count(this.dataplane.messages, type);
  }

  onRound(seconds: number, outcome: RoundOutcome, work: RoundWork): void {
    const { dataplane } = this;
    // What it took to start says nothing of what comes after.
    if (dataplane.seconds.count === 0) this.eventLoop.startOver();
    dataplane.seconds.add(seconds);
    dataplane.updatesARound.add(work.updates);
    dataplane.operations += work.operations;
    dataplane.errors += work.problems.size;
    if (outcome !== 'done') dataplane.failures++;
    this.#rounds.push({ ...work, time: new Date(), seconds, outcome });
    if (this.#rounds.length > ROUNDS) this.#rounds.shift();
  }

  onKernelEvents(events: readonly { readonly type: string }[]): void {
    const of = (prefix: string): number => events.filter(({ type }) => type.startsWith(prefix)).length;
    const [links, addresses] = [of('link'), of('address')];
    if (links > 0) this.dataplane.linksABatch.add(links);
    if (addresses > 0) this.dataplane.addressesABatch.add(addresses);
  }

  #onRun({ program, startSeconds, lines, status }: ExecRun): void {
    const counts = this.runs.get(program) ?? { calls: 0, failures: 0, lines: 0 };
    this.runs.set(program, counts);
    counts.calls++;
    counts.lines += lines;
    if (status !== 0) counts.failures++;
    this.startSeconds.add(startSeconds);
  }

  /** A fault is named once, however often its resource is told with it. */
  #note({ id, invalid }: Update): void {
    const key = idKey(id);
    const before = this.#faults.get(key);
    if (!invalid && before === undefined) return;
    if (!invalid) {
      this.#faults.delete(key);
      this.#log.info({ resource: idText(id) }, 'this resource can be used again, or is gone');
    } else if (invalid.reason !== before) {
      this.#faults.set(key, invalid.reason);
      this.#log.warn({ resource: idText(id), reason: invalid.reason }, 'this resource cannot be used as it is stored');
    }
  }
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
