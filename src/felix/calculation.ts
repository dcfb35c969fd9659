/**
 * Calc at work in Felix: what the datastore tells goes in, and once in a turn of the event loop what follows from it comes
 * out, as soon as everything that exists has been told. What goes wrong in working it out is told, and all is told again.
 */
import type { CalcGraph, DataplaneUpdate, RouteSource } from '../calc/index.ts';
import type { CalicoError } from '../errors/index.ts';
import type { SyncerSink, SyncStatus, Update } from '../model/index.ts';
import type { Health } from './health.ts';
import type { Logger } from './log.ts';
import type { Observed } from './observed.ts';

export interface CalculationParts {
  readonly graph: CalcGraph;
  readonly observed: Observed;
  /** Told of the parts `datastore` and `calculation`. */
  readonly health: Health;
  readonly log: Logger;
  readonly onOutput: (update: DataplaneUpdate) => void;
}

/** Time until everything is told again after a fault in telling it: twice as long after each that follows. */
const RETELL_MS = { first: 1000, longest: 64_000 };
/** Why Felix is not ready before the first list of the datastore is. */
const NOT_LISTED = 'the first list is not complete';

export class Calculation implements SyncerSink {
  readonly #parts: CalculationParts;
  readonly #flush: () => void;
  #inSync = false;
  /** Everything is to be told again then. */
  #retelling: NodeJS.Timeout | undefined;
  #retellMs = RETELL_MS.first;

  constructor(parts: CalculationParts) {
    this.#parts = parts;
    this.#flush = onceATurn(() => this.#tell());
  }

  onUpdates(updates: readonly Update[]): void {
    this.#parts.observed.onUpdates(updates);
    if (this.#inSync) this.#flush();
  }

  onStatus(status: SyncStatus): void {
    const { graph, observed, health } = this.#parts;
    graph.onStatus(status);
    this.#inSync = status === 'in-sync';
    observed.inSync = this.#inSync;
    health.report('datastore', this.#inSync, this.#inSync ? '' : NOT_LISTED);
    if (this.#inSync) this.#flush();
  }

  /** Why the datastore is not believed; null: it is again. */
  onHeld(why: CalicoError | null): void {
    const { health, log } = this.#parts;
    if (why) log.error({ code: why.code, subject: why.subject, hint: why.hint }, `${why.message}: nothing is taken`);
    else log.info({}, 'the datastore is followed again');
    health.report('datastore', this.#inSync && !why, why?.message ?? (this.#inSync ? '' : NOT_LISTED));
  }

  /** Everything is told once more: to a dataplane that has heard nothing yet. */
  retell(): void {
    this.#parts.graph.retell();
    this.#flush();
  }

  setRouteSource(source: RouteSource): void {
    this.#parts.graph.setRouteSource(source);
    this.#flush();
  }

  #tell(): void {
    const { graph, observed, health, log, onOutput } = this.#parts;
    try {
      graph.flush((update) => {
        observed.onOutput(update.type);
        onOutput(update);
      });
      // Who knows what was not told before a fault, until all is told again.
      if (this.#retelling) return;
      this.#retellMs = RETELL_MS.first;
      health.report('calculation', true);
    } catch (error) {
      // What was told is in force.
      log.error({ error: String(error) }, 'what this host needs could not be worked out, to be tried again');
      health.report('calculation', false, String(error));
      this.#retellLater();
    }
  }

  /** Once, however many flushes fail until then. */
  #retellLater(): void {
    if (this.#retelling) return;
    this.#retelling = setTimeout(() => {
      this.#retelling = undefined;
      this.retell();
    }, this.#retellMs);
    this.#retellMs = Math.min(2 * this.#retellMs, RETELL_MS.longest);
  }
}

/** Runs the function once in a turn of the event loop, however often it is asked for: one flush for a batch. */
function onceATurn(run: () => void): () => void {
  let wanted = false;
  return () => {
    if (wanted) return;
    wanted = true;
    setImmediate(() => {
      wanted = false;
      run();
    });
  };
}
