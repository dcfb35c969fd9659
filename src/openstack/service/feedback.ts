/**
 * What Felixes report of their hosts and their endpoints, for Neutron's process to apply: a numbered list of the newest
 * report of each, which the driver asks for from the number on that it has seen.
 */
import { randomUUID } from 'node:crypto';
import type { Store, StoreEvent, Watch } from '../../datastore/index.ts';

const RETRY_MS = 1000;

export interface AgentReport {
  readonly host: string;
  /** ISO 8601. */
  readonly time: string;
  readonly uptime: number;
  readonly first_update: boolean;
}

export interface PortReport {
  readonly port: string;
  readonly host: string;
  /** Neutron's words. */
  readonly status: 'ACTIVE' | 'DOWN' | 'ERROR';
}

export interface Reports {
  /** Another one: the numbers begin anew. */
  readonly epoch: string;
  readonly last: number;
  readonly agents: readonly AgentReport[];
  readonly ports: readonly PortReport[];
}

type Report = AgentReport | PortReport;

const STATUSES: Readonly<{ [reported: string]: PortReport['status'] }> = { up: 'ACTIVE', down: 'DOWN' };

export class Feedback {
  readonly #store: Store;
  readonly #prefix: string;
  readonly #onError: (error: unknown) => void;
  /** By key, the newest last. */
  readonly #reports = new Map<string, { readonly number: number; readonly report: Report }>();
  readonly #waiting = new Set<() => void>();
  #epoch = randomUUID();
  #last = 0;
  #watch: Watch | undefined;
  #retry: NodeJS.Timeout | undefined;
  #running = false;

  /** `prefix`: what the keys of all Felixes' reports start with. */
  constructor(store: Store, prefix: string, onError: (error: unknown) => void) {
    this.#store = store;
    this.#prefix = prefix;
    this.#onError = onError;
  }

  /** From now on there is something to tell: only who is elected tells. */
  start(): void {
    this.#running = true;
    void this.#list();
  }

  stop(): void {
    this.#running = false;
    this.#watch?.close();
    clearTimeout(this.#retry);
    this.#reports.clear();
    this.#epoch = randomUUID();
    this.#last = 0;
  }

  /** What is newer than number `after` of that epoch; waits so long for it where there is nothing. */
  async since(epoch: string, after: number, milliseconds: number): Promise<Reports> {
    const seen = () => (epoch === this.#epoch ? after : 0);
    if (this.#last <= seen()) await this.#news(milliseconds);
    const newer = [...this.#reports.values()].filter(({ number }) => number > seen()).map(({ report }) => report);
    return {
      epoch: this.#epoch,
      last: this.#last,
      agents: newer.filter((report) => !('port' in report)) as AgentReport[],
      ports: newer.filter((report) => 'port' in report) as PortReport[],
    };
  }

  #news(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      this.#waiting.add(done);
    });
  }

  async #list(): Promise<void> {
    try {
      const { items, revision } = await this.#store.list(this.#prefix);
      if (!this.#running) return;
      this.#take(items);
      this.#follow(revision);
    } catch (error) {
      this.#onError(error);
      if (this.#running) this.#retry = setTimeout(() => void this.#list(), RETRY_MS);
    }
  }

  #follow(revision: string): void {
    this.#watch = this.#store.watch(this.#prefix, revision, {
      onEvents: (events) => this.#take(events),
      onLost: () => {
        if (this.#running) this.#retry = setTimeout(() => void this.#list(), RETRY_MS);
      },
    });
  }

  #take(events: readonly Pick<StoreEvent, 'key' | 'value'>[]): void {
    for (const { key, value } of events) {
      const report = reportOf(key.slice(this.#prefix.length), value);
      if (!report) continue;
      this.#reports.delete(key);
      this.#reports.set(key, { number: ++this.#last, report });
    }
    for (const done of [...this.#waiting]) done();
  }
}

/** `path` follows the prefix: `<host>/status`, `<host>/workload/openstack/<workload>/endpoint/<port>`. */
function reportOf(path: string, value: string | null): Report | null {
  const [host, what, orchestrator, , , port] = path.split('/');
  if (!host) return null;
  const said = parsed(value);
  if (what === 'status' && orchestrator === undefined) {
    // A host whose report is gone is no longer alive: Neutron notices by its clock.
    if (typeof said?.time !== 'string') return null;
    return { host, time: said.time, uptime: Number(said.uptime) || 0, first_update: said.first_update === true };
  }
  if (what !== 'workload' || orchestrator !== 'openstack' || !port) return null;
  return { port, host, status: STATUSES[String(said?.status)] ?? 'ERROR' };
}

function parsed(value: string | null): { [name: string]: unknown } | null {
  try {
    return value === null ? null : JSON.parse(value);
  } catch {
    return null;
  }
}
