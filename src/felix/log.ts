/**
 * Structured logs: on standard output, in a file, in the system's log, each from a severity of its own, which may change
 * while Felix runs.
 */
import { existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Logger, pino } from 'pino';
import type { FelixConfig } from '../config/index.ts';
import { openSyslog, type SyslogSeverity, writeSyslog } from '../kernel/index.ts';

export type { Logger } from 'pino';

export type LogConfig = Pick<FelixConfig, 'logSeverityScreen' | 'logSeverityFile' | 'logSeveritySys' | 'logFilePath'>;

const NOTHING = Number.POSITIVE_INFINITY;

/** pino's numbers of Felix's severities; without one nothing is told. */
const LEVELS: Readonly<Record<LogConfig['logSeverityScreen'], number>> = {
  '': NOTHING,
  DEBUG: 20,
  INFO: 30,
  WARNING: 40,
  ERROR: 50,
  FATAL: 60,
};

interface Destination {
  level: number;
  readonly write: (line: string, level: number) => void;
}

export class Logs {
  readonly logger: Logger;
  readonly #screen: Destination;
  readonly #system: Destination;
  #file: Destination | undefined;
  #path = '';

  constructor(config: LogConfig) {
    const screen = pino.destination({ dest: 1, sync: true });
    this.#screen = { level: NOTHING, write: (line) => screen.write(line) };
    this.#system = { level: NOTHING, write: (line, level) => writeSyslog(syslogSeverity(level), line.trimEnd()) };
    const everywhere = {
      // With it pino says what level a line has.
      [Symbol.for('pino.metadata')]: true,
      lastLevel: 0,
      write: (line: string) => this.#write(line, everywhere.lastLevel),
    };
    this.logger = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, everywhere);
    openSyslog('calico-felix');
    this.configure(config);
  }

  /** A file that cannot be written is told once, elsewhere. */
  configure(config: LogConfig): void {
    const fileLevel = LEVELS[config.logSeverityFile];
    this.#screen.level = LEVELS[config.logSeverityScreen];
    this.#system.level = LEVELS[config.logSeveritySys];
    const path = fileLevel === NOTHING ? '' : config.logFilePath;
    if (path !== this.#path) this.#openFile(path);
    if (this.#file) this.#file.level = fileLevel;
    const lowest = Math.min(...this.#destinations().map(({ level }) => level));
    this.logger.level = lowest === NOTHING ? 'silent' : (pino.levels.labels[lowest] as string);
  }

  #openFile(path: string): void {
    this.#path = path;
    this.#file = undefined;
    if (path === '') return;
    try {
      // Its directory only, not all above it (and node would try for ever below /proc).
      if (!existsSync(dirname(path))) mkdirSync(dirname(path));
      const file = pino.destination({ dest: openSync(path, 'a'), sync: true });
      this.#file = { level: NOTHING, write: (line) => file.write(line) };
    } catch (error) {
      this.logger.warn({ path, error: String(error) }, 'there will be no file of logs');
    }
  }

  #write(line: string, level: number): void {
    for (const destination of this.#destinations()) if (level >= destination.level) destination.write(line, level);
  }

  #destinations(): Destination[] {
    return [this.#screen, this.#system, ...(this.#file ? [this.#file] : [])];
  }
}

function syslogSeverity(level: number): SyslogSeverity {
  if (level >= LEVELS.FATAL) return 'critical';
  if (level >= LEVELS.ERROR) return 'error';
  if (level >= LEVELS.WARNING) return 'warning';
  return level >= LEVELS.INFO ? 'info' : 'debug';
}
