/** Writes what BGP does on this node into the CalicoNodeStatus resources that ask for it, each in its own time. */
import type { Client } from '../datastore/index.ts';
import type { CalicoNodeStatus, Update } from '../model/index.ts';
import { command } from './control.ts';
import { report } from './report.ts';
import { birdStatus, parseRoutes } from './status.ts';

export interface StatusWriterOptions {
  readonly node: string;
  /** BIRD's control socket. */
  readonly socket: string;
  readonly client: Client;
  readonly onError: (error: unknown, name: string) => void;
}

interface Asked {
  readonly asked: CalicoNodeStatus;
  readonly timer: NodeJS.Timeout;
}

export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #asked = new Map<string, Asked>();

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  /** What is asked for changes; what this writes itself does not. */
  apply(updates: readonly Update[]): void {
    for (const { id, value, invalid } of updates) {
      if (id.kind !== 'CalicoNodeStatus' || invalid) continue;
      const wanted = value as CalicoNodeStatus | null;
      const before = this.#asked.get(id.name);
      if (wanted && before && JSON.stringify(before.asked) === JSON.stringify(wanted)) continue;
      clearInterval(before?.timer);
      this.#asked.delete(id.name);
      // A period of zero says that nothing more is to be written.
      if (wanted?.node !== this.#options.node || wanted.updatePeriod === 0) continue;
      const timer = setInterval(() => this.#write(wanted), wanted.updatePeriod * 1000);
      this.#asked.set(id.name, { asked: wanted, timer });
      this.#write(wanted);
    }
  }

  stop(): void {
    for (const { timer } of this.#asked.values()) clearInterval(timer);
    this.#asked.clear();
  }

  #write(asked: CalicoNodeStatus): void {
    this.#update(asked).catch((error) => this.#options.onError(error, asked.id.name));
  }

  async #update({ id, classes }: CalicoNodeStatus): Promise<void> {
    const { client, socket } = this.#options;
    const bird = await birdStatus(socket).catch(() => null);
    const routes = async (table: string) =>
      bird && classes.includes('Routes') ? parseRoutes((await command(socket, `show route table ${table}`)).lines) : [];
    const findings = {
      bird,
      routes: { 4: await routes('master4'), 6: await routes('master6') },
      now: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    };
    const current = await client.find(id.kind, id.name);
    if (current) await client.update({ ...current, status: report(findings, classes) });
  }
}
