/**
 * Which encapsulations are in force on this host: those that the configuration turns on, or where it says nothing, those that
 * pools use.
 *
 * All hosts hear of a changed pool at the same time, and are not ready at the same time. So that packets under way are all
 * that is lost, one whose pool has changed is received at once and sent by a moment later; and one that is not used any
 * more is received for a while.
 */
import { type IdKey, type IPPool, idKey } from '../model/index.ts';
import { type Clock, earliest } from '../reconcile/index.ts';
import {
  ENCAPSULATIONS,
  type Encapsulation,
  type EncapsulationConfig,
  encapsulationOf,
  wantedEncapsulations,
} from '../rules/index.ts';

/** What other hosts have to get ready, and to stop sending, milliseconds. */
export const GET_READY = 1500;
export const LINGER = 10_000;

export class Encapsulations {
  #config: EncapsulationConfig;
  readonly #clock: Clock;
  readonly #pools = new Map<IdKey, IPPool>();
  #wanted: ReadonlySet<Encapsulation>;
  readonly #on = new Set<Encapsulation>();
  /** Used from then on. */
  readonly #readyAt = new Map<Encapsulation, number>();
  /** Not used any more, and received until then. */
  readonly #endsAt = new Map<Encapsulation, number>();
  /** Those to which pools have changed that were there before, or that the configuration has turned on since. */
  readonly #changedTo = new Set<Encapsulation>();

  constructor(config: EncapsulationConfig, clock: Clock = () => performance.now()) {
    this.#config = config;
    this.#clock = clock;
    this.#wanted = wantedEncapsulations(config, []);
  }

  configure(config: EncapsulationConfig): void {
    const before = this.#wanted;
    this.#config = config;
    this.#wanted = wantedEncapsulations(config, this.#pools.values());
    for (const one of this.#wanted) if (!before.has(one)) this.#changedTo.add(one);
  }

  setPool(id: IPPool['id'], pool: IPPool | null): void {
    const key = idKey(id);
    const before = this.#pools.get(key);
    const now = pool && encapsulationOf(pool);
    if (before && now && encapsulationOf(before) !== now) this.#changedTo.add(now);
    if (pool) this.#pools.set(key, pool);
    else this.#pools.delete(key);
    this.#wanted = wantedEncapsulations(this.#config, this.#pools.values());
  }

  /** Those by which packets are taken. */
  get on(): ReadonlySet<Encapsulation> {
    return this.#on;
  }

  /** Packets may go by it. */
  isReady(encapsulation: Encapsulation): boolean {
    return this.#on.has(encapsulation) && !this.#readyAt.has(encapsulation);
  }

  /** When the next one is ready or ends, by the clock. */
  get dueAt(): number | null {
    return earliest(...this.#readyAt.values(), ...this.#endsAt.values());
  }

  /** True when any is on, off or ready that was not before. */
  settle(): boolean {
    const now = this.#clock();
    let changed = false;
    for (const one of ENCAPSULATIONS) {
      if (this.#wanted.has(one)) changed = this.#want(one, now) || changed;
      else if (this.#on.has(one) && !this.#endsAt.has(one)) this.#endsAt.set(one, now + LINGER);
      changed = this.#take(this.#readyAt, one, now) || changed;
      if (this.#take(this.#endsAt, one, now)) changed = this.#on.delete(one);
    }
    this.#changedTo.clear();
    return changed;
  }

  #want(one: Encapsulation, now: number): boolean {
    this.#endsAt.delete(one);
    if (this.#on.has(one)) return false;
    this.#on.add(one);
    if (this.#changedTo.has(one)) this.#readyAt.set(one, now + GET_READY);
    return true;
  }

  #take(times: Map<Encapsulation, number>, one: Encapsulation, now: number): boolean {
    const at = times.get(one);
    return at !== undefined && at <= now && times.delete(one);
  }
}
