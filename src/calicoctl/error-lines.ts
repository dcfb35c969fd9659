/** Errors for people: a line each. */
import { CalicoError } from '../errors/index.ts';
import { printable } from './output/printable.ts';

/** One line for each error in it. */
export function errorLines(error: unknown): string[] {
  if (error instanceof AggregateError) return error.errors.flatMap(errorLines);
  const known = error instanceof CalicoError ? error : internal(error);
  return [printable(known.toString().replace(/\s*\n\s*/g, ' '))];
}

function internal(cause: unknown): CalicoError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new CalicoError('E_INTERNAL', 'calicoctl', message, { hint: 'CALICO_DEBUG=1 shows where', cause });
}
