/** Asks a running Felix for its state. */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { CalicoError } from '../../errors/index.ts';
import type { State, Summary, TableState } from './snapshot.ts';

/** E_NOT_FOUND when nobody listens there, or not to us. */
export async function readState(socketPath: string, full: boolean): Promise<State> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const asked = request({ socketPath, agent: false, path: full ? '/state?full' : '/state' }, (response) => {
    text(response).then(resolve, reject);
  });
  asked.once('error', reject);
  asked.end();
  return parse(await promise.catch((cause) => Promise.reject(unreachable(socketPath, cause))));
}

function parse(lines: string): State {
  const [summary, ...tables] = lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  return { ...(summary as Summary), tables: tables as TableState[] };
}

function unreachable(socketPath: string, cause: Error): CalicoError {
  const hint = 'it runs as root, in the network namespace of its host; --host-socket names another socket';
  return new CalicoError('E_NOT_FOUND', socketPath, `no Felix answers there: ${cause.message}`, { hint, cause });
}
