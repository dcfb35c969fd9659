/** Structured logs on standard output, at the severity that LogSeverityScreen names. */
import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

const LEVELS: Readonly<Record<string, string>> = {
  debug: 'debug',
  info: 'info',
  warning: 'warn',
  warn: 'warn',
  error: 'error',
  fatal: 'fatal',
  none: 'silent',
};

export function createLog(severity: string): Logger {
  return pino({ level: levelOf(severity), base: null, timestamp: pino.stdTimeFunctions.isoTime });
}

/** pino's level for one of Felix's severities; unknown ones are taken as info. */
export function levelOf(severity: string): string {
  return LEVELS[severity.toLowerCase()] ?? 'info';
}
