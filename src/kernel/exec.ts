/** Runs a program to its end. */
import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CalicoError } from '../errors/index.ts';

export interface ExecOptions {
  /** A text, or pieces of one, each asked for when the program has room for it. */
  readonly stdin?: Iterable<string>;
  /** Takes what it prints as it comes, in pieces; the result's `stdout` is empty then. */
  readonly onOutput?: (text: string) => void;
  /** The program is killed after so many milliseconds. Default 60,000. */
  readonly timeoutMs?: number;
  /** Added to this process' environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface ExecResult {
  /** Exit status; null when a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One run of a program that could be started. */
export interface ExecRun {
  readonly program: string;
  /** Seconds that it took to start it; this process does nothing else meanwhile. */
  readonly startSeconds: number;
  readonly seconds: number;
  /** Of its input. */
  readonly lines: number;
  readonly status: number | null;
}

/** What a pipe holds, characters. */
const PIECE = 1 << 16;

/** Told of every run when it has ended: for metrics. */
export const execListeners = new Set<(run: ExecRun) => void>();

/** Resolves with whatever status the program ends. E_KERNEL when it cannot be started or takes too long. */
export function exec(program: string, args: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ExecResult>();
  const start = performance.now();
  const child = spawn(program, args, { env: options.env ? { ...process.env, ...options.env } : process.env });
  const startSeconds = (performance.now() - start) / 1000;
  const timeoutMs = options.timeoutMs ?? 60_000;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, timeoutMs);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  if (options.onOutput) child.stdout.setEncoding('utf8').on('data', options.onOutput);
  else child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const input = new Input(options.stdin ?? '');
  // A program that ends before it has read everything says so by its status. Pieces stay strings, one ahead: as Buffers
  // they would pile up until the next collection.
  pipeline(Readable.from(input, { highWaterMark: 1 }), child.stdin).catch(() => {});
  child.on('error', (cause) => {
    clearTimeout(timer);
    reject(
      new CalicoError('E_KERNEL', program, `cannot be run: ${cause.message}`, { cause, hint: 'is it installed?' }),
    );
  });
  child.on('close', (status) => {
    clearTimeout(timer);
    const run = { program, startSeconds, seconds: (performance.now() - start) / 1000, status };
    if (execListeners.size > 0) tell({ ...run, lines: input.lines });
    if (late) reject(new CalicoError('E_KERNEL', program, `took longer than ${timeoutMs} ms and was killed`));
    else if (input.failure) reject(input.failure);
    else resolve({ status, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() });
  });
  return promise;
}

/** Like exec, for programs whose failure is an error. Returns what it printed; E_KERNEL with its complaint when it fails. */
export async function execOk(program: string, args: readonly string[], options?: ExecOptions): Promise<string> {
  const { status, stdout, stderr } = await exec(program, args, options);
  if (status === 0) return stdout;
  const complaint = stderr.trim() || `ended with status ${status}`;
  throw new CalicoError('E_KERNEL', [program, ...args].join(' '), complaint);
}

function tell(run: ExecRun): void {
  for (const listener of execListeners) listener(run);
}

/** Pieces of a size that suits a pipe: the whole is never in memory. */
class Input {
  lines = 0;
  /** What kept the pieces from being made: it is the caller's mistake and not the program's. */
  failure: unknown;
  readonly #pieces: Iterable<string>;

  constructor(text: Iterable<string>) {
    this.#pieces = typeof text === 'string' ? [text] : text;
  }

  *[Symbol.iterator](): Generator<string> {
    let piece = '';
    for (const text of this.#made()) {
      piece += text;
      if (piece.length < PIECE) continue;
      yield this.#counted(piece);
      piece = '';
    }
    if (piece !== '') yield this.#counted(piece);
  }

  /** By itself, because a pipe that breaks is thrown into the generator that it reads. */
  *#made(): Generator<string> {
    try {
      yield* this.#pieces;
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }

  #counted(text: string): string {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.lines++;
    return text;
  }
}
