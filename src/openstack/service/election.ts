/** One of the services that stand for a region is elected: it holds upstream's keys while it lives, so that upstream's drivers wait too. */
import type { Store } from '../../datastore/index.ts';

const LEASE_SECONDS = 15;
const TRY_MS = 3000;

export interface ElectionOptions {
  readonly store: Store;
  readonly keys: readonly string[];
  /** `host:pid` */
  readonly name: string;
  /** Told each change. */
  readonly onElected: (elected: boolean) => void;
  readonly onError: (error: unknown) => void;
}

export class Election {
  readonly #options: ElectionOptions;
  #lease: string | null = null;
  /** Until when nobody else can be elected, by our clock. */
  #until = 0;
  #timer: NodeJS.Timeout | undefined;
  #elected = false;

  constructor(options: ElectionOptions) {
    this.#options = options;
  }

  get elected(): boolean {
    return this.#elected && performance.now() < this.#until;
  }

  start(): void {
    void this.#turn();
  }

  /** Lets others be elected at once. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    const { store, keys } = this.#options;
    // What is somebody else's by now stays.
    if (this.#lease === null || !(await this.#stillOurs(this.#lease))) return;
    this.#lease = null;
    await store.transact(
      [],
      keys.map((key) => ({ key, value: null })),
    );
    this.#tell(false);
  }

  async #turn(): Promise<void> {
    try {
      const asked = performance.now();
      const held = await this.#hold();
      if (held) this.#until = asked + LEASE_SECONDS * 1000;
      else this.#lease = null;
      this.#tell(held);
    } catch (error) {
      this.#options.onError(error);
      if (performance.now() >= this.#until) this.#tell(false);
    }
    this.#timer = setTimeout(() => void this.#turn(), TRY_MS);
  }

  async #hold(): Promise<boolean> {
    const { store, keys, name } = this.#options;
    if (this.#lease !== null && (await this.#stillOurs(this.#lease))) return true;
    const held = await store.read(keys.map((key) => ({ key })));
    if (held.some(([item]) => item !== undefined)) return false;
    const lease = await store.grantLease(LEASE_SECONDS);
    const compares = keys.map((key) => ({ key, revision: null }));
    const won = await store.transact(
      compares,
      keys.map((key) => ({ key, value: name, lease })),
    );
    this.#lease = won === null ? null : lease;
    return won !== null;
  }

  async #stillOurs(lease: string): Promise<boolean> {
    const { store, keys, name } = this.#options;
    if (!(await store.renewLease(lease))) return false;
    const held = await store.read(keys.map((key) => ({ key })));
    return held.every(([item]) => item?.value === name);
  }

  #tell(elected: boolean): void {
    if (elected === this.#elected) return;
    this.#elected = elected;
    this.#options.onElected(elected);
  }
}
