/**
 * What is read of the kernel, and when: all of it at the start; a table again when an audit is due; a family's chains also
 * before they are written next after a write that failed. Never what was just written.
 */
import type { Iptables } from '../drivers/iptables/index.ts';
import type { Family } from '../net/index.ts';
import { DISPATCH, ipsetName, STATIC_SETS } from '../rules/index.ts';
import type { Audit, Audits } from './audits.ts';
import type { Drivers } from './drivers.ts';
import type { Jobs } from './jobs.ts';

export class KernelReading {
  readonly #drivers: Drivers;
  readonly #jobs: Jobs;
  readonly #audits: Audits;
  /** Families whose chains are to be read before they are written. */
  readonly #unread: Set<Family>;
  /** Families whose routes have been read. */
  readonly #followed = new Set<Family>();

  constructor(drivers: Drivers, jobs: Jobs, audits: Audits) {
    this.#drivers = drivers;
    this.#jobs = jobs;
    this.#audits = audits;
    this.#unread = new Set(drivers.iptables.map(({ family }) => family));
  }

  /** All but chains and what leads to workloads. */
  all(): void {
    const { ipsets, links, qdiscs } = this.#drivers;
    links.resync();
    for (const driver of [qdiscs, ipsets]) driver.resync();
  }

  /** Where a family has no dispatch yet, one that knows no workload goes first: it closes their interfaces. */
  async close(): Promise<void> {
    const { iptables } = this.#drivers;
    await Promise.all(
      iptables.map((family) => this.#jobs.run(`chains of IPv${family.family}`, () => this.#close(family))),
    );
  }

  async #close(iptables: Iptables): Promise<void> {
    await this.chains(iptables);
    if (iptables.tables.filter.has(DISPATCH.fromWorkload)) return;
    // Where the other backend still polices, closing workloads would lose packets that policy allows.
    if (await this.#drivers.leftovers.police(iptables.family)) return;
    this.#drivers.ipsets.createMissing(STATIC_SETS.map((id) => ipsetName(id, iptables.family)));
    await iptables.apply({ removals: false });
  }

  /** The family's chains, where that is due. */
  async chains(iptables: Iptables): Promise<void> {
    if (!this.#unread.has(iptables.family)) return;
    await iptables.load();
    this.#unread.delete(iptables.family);
  }

  /** Its chains may be other than was written. */
  distrust(family: Family): void {
    this.#unread.add(family);
  }

  /** Reads, once, where packets go now that it is known where they should: before, all would have seemed to be leftovers. */
  routes(family: Family): void {
    if (this.#followed.has(family)) return;
    const { routes, neighbours, fdb } = this.#drivers;
    routes.resync([family]);
    for (const driver of [neighbours, fdb]) driver.resync();
    this.#followed.add(family);
  }

  /** What an audit is due of. */
  async audit(): Promise<void> {
    const { ipsets, iptables, links, neighbours, fdb, qdiscs, routes, sysctls } = this.#drivers;
    const readers: Record<Audit, () => void> = {
      links: () => links.resync(),
      ipsets: () => ipsets.resync(),
      routes: () => {
        routes.resync(this.#followed);
        for (const driver of [neighbours, fdb, qdiscs, sysctls]) driver.resync();
      },
      iptables: () => {
        for (const { family } of iptables) this.distrust(family);
      },
    };
    for (const audit of [...this.#audits.due])
      if (await this.#jobs.run(`reading of ${audit}`, readers[audit])) this.#audits.done(audit);
  }
}
