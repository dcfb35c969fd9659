/** A program that is kept running: started again when it ends, later each time while it ends at once. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Logger } from 'pino';

export interface Program {
  readonly name: string;
  readonly command: string;
  readonly args?: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 30_000;
/** One that lived this long was healthy: the next delay is the first one again. */
const HEALTHY_MS = 60_000;
const PATIENCE_MS = 10_000;

export class Supervised {
  readonly #program: Program;
  readonly #log: Logger;
  #child: ChildProcess | null = null;
  #retry: NodeJS.Timeout | undefined;
  #delay = FIRST_DELAY_MS;
  #stopped = false;

  constructor(program: Program, log: Logger) {
    this.#program = program;
    this.#log = log;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    const { name, command, args = [], env } = this.#program;
    const startedAt = Date.now();
    // It must not outlive whoever watches it: a second one would be started beside it. (It leaves the kernel as it is.)
    const bound = ['--pdeathsig', 'TERM', '--', command, ...args];
    const child = spawn('setpriv', bound, { env: { ...process.env, ...env }, stdio: ['ignore', 'inherit', 'inherit'] });
    this.#child = child;
    let ended = false;
    const end = (why: Record<string, unknown>) => {
      if (ended) return;
      ended = true;
      this.#child = null;
      if (!this.#stopped) this.#again({ program: name, ...why }, Date.now() - startedAt);
    };
    child.on('error', (error) => end({ error: error.message }));
    child.on('exit', (code, signal) => end({ code, signal }));
    this.#log.info({ program: name, pid: child.pid }, 'started');
  }

  /** SIGTERM, and SIGKILL for one that does not heed it. Resolves when it has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const force = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    child.kill('SIGTERM');
    await gone;
    clearTimeout(force);
  }

  #again(why: Record<string, unknown>, lived: number): void {
    if (lived > HEALTHY_MS) this.#delay = FIRST_DELAY_MS;
    this.#log.warn({ ...why, again: this.#delay }, 'ended');
    this.#retry = setTimeout(() => this.start(), this.#delay);
    this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY_MS);
  }
}
