/** How much a node tells of itself: CALICO_STARTUP_LOGLEVEL, in upstream's words. */
import { CalicoError } from '../errors/index.ts';
import type { Environment } from './variables.ts';

const LEVELS: Readonly<Record<string, string>> = {
  '': 'info',
  DEBUG: 'debug',
  INFO: 'info',
  WARNING: 'warn',
  WARN: 'warn',
  ERROR: 'error',
  CRITICAL: 'fatal',
  FATAL: 'fatal',
  NONE: 'silent',
};

/** As pino calls it. E_CONFIG. */
export function logLevel({ CALICO_STARTUP_LOGLEVEL: text = '' }: Environment): string {
  const level = LEVELS[text.toUpperCase()];
  if (level) return level;
  throw new CalicoError('E_CONFIG', 'CALICO_STARTUP_LOGLEVEL', `is no severity: '${text}'`, {
    hint: 'DEBUG, INFO, WARNING, ERROR, CRITICAL or NONE',
  });
}
