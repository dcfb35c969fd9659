/** Errors for people: a line each. */
import { CalicoError } from '../errors/index.ts';

/** One line for each error in it. */
export function errorLines(error: unknown): string[] {
  if (error instanceof AggregateError) return error.errors.flatMap(errorLines);
  if (error instanceof CalicoError) return [oneLine(error.toString())];
  const { message } = error instanceof Error ? error : { message: String(error) };
  return [
    oneLine(`E_INTERNAL calicoctl: ${message} (this is a fault of calicoctl: run it with CALICO_DEBUG=1 for a trace)`),
  ];
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ');
}
