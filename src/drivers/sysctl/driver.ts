/**
 * Kernel parameters. Groups are named by what they belong to, such as an interface, which takes its parameters with it
 * when it goes. A parameter that is not desired any more keeps its value: nobody knows what it was before.
 */
import type { CalicoError } from '../../errors/index.ts';
import { readSysctl, writeSysctl } from '../../kernel/index.ts';
import { type ApplyResult, type Clock, dumpTracker, type TableDump, Tracker } from '../../reconcile/index.ts';

/** Path below /proc/sys (`net/ipv4/conf/cali1/proxy_arp`) → value. */
export type Sysctls = Readonly<Record<string, string>>;

/** How parameters are read and written (a test may count it). */
export interface SysctlFiles {
  readonly read: typeof readSysctl;
  readonly write: typeof writeSysctl;
}

export class SysctlDriver {
  readonly #clock: Clock;
  readonly #files: SysctlFiles;
  readonly #groups = new Map<string, Sysctls>();
  readonly #tracker = new Tracker<string, string>();

  constructor(options: { readonly clock: Clock; readonly files?: SysctlFiles }) {
    this.#clock = options.clock;
    this.#files = options.files ?? { read: readSysctl, write: writeSysctl };
  }

  /** Replaces the group's parameters. Also says that what is there has to be looked at again: the interface is new. */
  setDesired(group: string, sysctls: Sysctls): void {
    this.removeDesired(group);
    this.#groups.set(group, sysctls);
    for (const [path, value] of Object.entries(sysctls)) this.#tracker.setDesired(path, value);
  }

  removeDesired(group: string): void {
    for (const path of Object.keys(this.#groups.get(group) ?? {})) {
      this.#tracker.removeDesired(path);
      this.#tracker.removeActual(path);
    }
    this.#groups.delete(group);
  }

  /** Why parameters do not have their values, by path. */
  get failures(): ReadonlyMap<string, CalicoError> {
    return this.#tracker.failures;
  }

  /** Why parameters of the group do not have their values. */
  failuresOf(group: string): CalicoError[] {
    if (this.#tracker.failures.size === 0) return [];
    const reasons = Object.keys(this.#groups.get(group) ?? {}).map((path) => this.#tracker.failures.get(path));
    return reasons.filter((reason) => reason !== undefined);
  }

  /** Is a parameter of the group still to be written? */
  isPending(group: string): boolean {
    return Object.keys(this.#groups.get(group) ?? {}).some((path) => this.#tracker.pendingWrites.has(path));
  }

  dump(): TableDump[] {
    return [dumpTracker('sysctls', this.#tracker)];
  }

  /** Looks at every desired parameter again. */
  resync(): void {
    for (const path of this.#tracker.desired.keys()) this.#look(path);
  }

  /** Parameters that already have their value are read and not written. */
  apply(): ApplyResult {
    const now = this.#clock();
    this.#tracker.release(now);
    const errors = new Map<string, CalicoError>();
    let operations = 0;
    for (const path of [...this.#tracker.pendingWrites]) {
      try {
        if (!this.#tracker.actual.has(path) && this.#look(path)) continue;
        operations++;
        const value = this.#tracker.desired.get(path) as string;
        if (this.#files.write(path, value)) this.#tracker.setActual(path, value);
        // Its interface has just gone, which is on its way to be told; or a kernel without it needs none.
        else this.#tracker.failed(path, now);
      } catch (error) {
        this.#tracker.failed(path, now, error as CalicoError);
        errors.set(path, error as CalicoError);
      }
    }
    return { operations, errors, retryAt: this.#tracker.nextDue() };
  }

  /** Has it its desired value already? */
  #look(path: string): boolean {
    const value = this.#files.read(path);
    if (value === null) this.#tracker.removeActual(path);
    else this.#tracker.setActual(path, value);
    return value === this.#tracker.desired.get(path);
  }
}
