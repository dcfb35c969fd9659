/** Where the dataplane says what it does: pino's, or anything like it. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** For whoever does nothing but warn. */
export type WarningLog = Pick<Log, 'warn'>;
