/** Keeps a BIRD running with the configuration it is given. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Logger } from 'pino';
import { CalicoError } from '../errors/index.ts';
import { CONTROL_SOCKET, command } from './control.ts';

const run = promisify(execFile);

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 30_000;
/** A BIRD that lived this long was healthy: the next delay is the first one again. */
const HEALTHY_MS = 60_000;
const STOP_TIMEOUT_MS = 3000;
const RECOVERY_POLL_MS = 1000;

export interface BirdOptions {
  /** Holds bird.conf and the control socket; made when missing. */
  readonly directory: string;
  readonly log: Logger;
  readonly program?: string;
  /** What a BIRD that starts again is told beside its configuration until it has read the kernel's routes. */
  readonly known?: () => string;
}

export class BirdSupervisor {
  readonly #options: BirdOptions;
  readonly #program: string;
  #child: ChildProcess | null = null;
  #text: string | null = null;
  #known = '';
  #startedAt = 0;
  #delay = FIRST_DELAY_MS;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: BirdOptions) {
    this.#options = options;
    this.#program = options.program ?? 'bird';
  }

  get socket(): string {
    return join(this.#options.directory, CONTROL_SOCKET);
  }

  /**
   * Brings this configuration into force: starts BIRD, or has it load what changed, without a session going down that
   * did not change. E_CONFIG: BIRD does not accept it; then the one before stays.
   */
  apply(text: string): Promise<void> {
    const done = this.#queue.then(() => this.#apply(text));
    this.#queue = done.catch(() => {});
    return done;
  }

  /** Ends BIRD such that the peers keep this host's routes for a while: whoever stops it mostly starts it again. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    const child = this.#child;
    if (!child) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await command(this.socket, 'graceful restart').catch(() => child.kill('SIGTERM'));
    await gone;
    clearTimeout(force);
  }

  async #apply(text: string): Promise<void> {
    if (text === this.#text || this.#stopped) return;
    await this.#write(text);
    this.#text = text;
    if (this.#child) await command(this.socket, 'configure');
    else if (!this.#retry) await this.#start(text);
  }

  /** The file changes only to what BIRD accepts: it is what a restart loads. */
  async #write(text: string): Promise<void> {
    const { directory } = this.#options;
    await mkdir(directory, { recursive: true });
    const candidate = join(directory, 'bird.conf.new');
    await writeFile(candidate, `${text}\n${this.#known}`, { mode: 0o600 }); // it may hold passwords
    try {
      await run(this.#program, ['-p', '-c', candidate]);
    } catch (cause) {
      const { stderr, message } = cause as { stderr?: string; message: string };
      throw new CalicoError('E_CONFIG', candidate, (stderr || message).trim(), { cause });
    }
    await rename(candidate, join(directory, 'bird.conf'));
  }

  async #start(text: string): Promise<void> {
    const { directory, log, known } = this.#options;
    // Where a BIRD ran before since the host came up, its routes in the kernel and at the peers must last.
    const marker = join(directory, 'started');
    const recover = existsSync(marker);
    await writeFile(marker, '');
    await command(this.socket, 'graceful restart').catch(() => {});
    await rm(this.socket, { force: true });
    if (this.#stopped) return;
    this.#known = recover ? (known?.() ?? '') : '';
    if (this.#known !== '') await this.#write(text);
    const args = ['-f', '-c', join(directory, 'bird.conf'), '-s', this.socket, ...(recover ? ['-R'] : [])];
    const child = spawn(this.#program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    this.#startedAt = Date.now();
    createInterface({ input: child.stderr }).on('line', (line) => log.info({ bird: line }));
    child.on('error', (error) => log.error({ error: error.message }, 'bird cannot be started'));
    child.on('close', (code, signal) => this.#ended(code, signal));
    log.info({ pid: child.pid, recover }, 'bird started');
    if (this.#known !== '') void this.#forgetKnown(child);
  }

  /** When BIRD's recovery is over it reads the kernel's routes; from then on it needs to be told of none. */
  async #forgetKnown(child: ChildProcess): Promise<void> {
    do {
      await sleep(RECOVERY_POLL_MS);
      if (this.#child !== child) return;
    } while (await this.#isRecovering());
    await sleep(RECOVERY_POLL_MS);
    this.#queue = this.#queue.then(async () => {
      if (this.#child !== child || this.#text === null) return;
      this.#known = '';
      await this.#write(this.#text);
      await command(this.socket, 'configure');
    });
    await this.#queue.catch((error) => this.#options.log.warn({ error: String(error) }, 'bird keeps what it was told'));
  }

  async #isRecovering(): Promise<boolean> {
    const reply = await command(this.socket, 'show status').catch(() => null);
    return !reply || reply.lines.some((line) => line.includes('recovery in progress'));
  }

  #ended(code: number | null, signal: string | null): void {
    this.#child = null;
    if (this.#stopped) return;
    if (Date.now() - this.#startedAt > HEALTHY_MS) this.#delay = FIRST_DELAY_MS;
    this.#options.log.warn({ code, signal, again: this.#delay }, 'bird ended');
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      const text = this.#text;
      if (text !== null) this.#queue = this.#queue.then(() => this.#start(text)).catch(() => {});
    }, this.#delay);
    this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY_MS);
  }
}
