/** calicoctl: the program. */
import { processIo } from './io.ts';
import { run } from './program.ts';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error; // the reader of a pipe, such as head, has had enough
  process.exit(0);
});

process.exitCode = await run(process.argv.slice(2), processIo);
