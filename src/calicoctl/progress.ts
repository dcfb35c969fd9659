/** How far a long command is: one line on the terminal, written over and over. */
import type { Io } from './io.ts';
import type { Progress } from './outcome.ts';

/** Fewer resources are done before anybody could read it. */
const FEW = 100;
const INTERVAL_MS = 100;

/** Writes nothing where standard error is no terminal. `verb`: `applied`. */
export function progressOn(io: Io, verb: string): Progress {
  if (!io.isTerminal?.err) return () => undefined;
  let last = 0;
  return (handled, total) => {
    if (total < FEW) return;
    const now = performance.now();
    if (handled === total) io.err('\r\u001b[K');
    else if (now - last >= INTERVAL_MS) {
      last = now;
      io.err(`\r\u001b[K${verb} ${handled} of ${total}`);
    }
  };
}
