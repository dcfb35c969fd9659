/** How a command ends badly: one line an error on standard error, exit status 1. */
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

export function fail(error: unknown): never {
  for (const line of errorLines(error)) process.stderr.write(`${line}\n`);
  if (process.env.CALICO_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exit(1);
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ');
}
