/** Tells whoever may open its socket (root) what Felix' state is. One line of JSON a piece: the summary, then each table. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { CalicoError } from '../../errors/index.ts';
import type { Summary, TableState } from './snapshot.ts';

export interface StateSource {
  summary(): Summary;
  /** `full`: also the members of sets. */
  tables(full: boolean): Iterable<TableState>;
}

export class StateServer {
  readonly #source: StateSource;
  readonly #path: string;
  #server: Server | undefined;

  constructor(source: StateSource, path: string) {
    this.#source = source;
    this.#path = path;
  }

  /** A socket that nobody listens on any more is replaced. E_FILE when there can be none, or when somebody does listen. */
  async serve(): Promise<void> {
    mkdirSync(dirname(this.#path), { recursive: true });
    if (await isAnswered(this.#path)) {
      throw new CalicoError('E_FILE', this.#path, 'another Felix listens there', { hint: 'end that Felix first' });
    }
    rmSync(this.#path, { force: true });
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://felix');
      if (url.pathname !== '/state') return response.writeHead(404).end();
      this.#tell(response, url.searchParams.has('full')).catch((error) => response.destroy(error));
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', (cause) => reject(new CalicoError('E_FILE', this.#path, cause.message, { cause })));
    // The socket is there when this returns: nobody else may have opened it until its mode is set.
    const mask = process.umask(0o177);
    server.listen(this.#path, resolve);
    process.umask(mask);
    await promise;
    chmodSync(this.#path, 0o600);
    server.unref();
    this.#server = server;
  }

  /** The same as a file beside the socket, which only root may read. Returns its path. E_FILE. */
  async write(): Promise<string> {
    const path = `${this.#path.replace(/\.sock$/, '')}-state.json`;
    try {
      rmSync(path, { force: true });
      for await (const line of this.#lines(true)) writeFileSync(path, line, { flag: 'a', mode: 0o600 });
    } catch (cause) {
      throw new CalicoError('E_FILE', path, (cause as Error).message, { cause });
    }
    return path;
  }

  /** The socket goes too. */
  close(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
    if (this.#server) rmSync(this.#path, { force: true });
    this.#server = undefined;
  }

  async #tell(response: ServerResponse, full: boolean): Promise<void> {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    for await (const line of this.#lines(full)) {
      if (response.destroyed) return;
      if (!response.write(line)) await new Promise((resolve) => response.once('drain', resolve));
    }
    response.end();
  }

  async *#lines(full: boolean): AsyncGenerator<string> {
    yield `${JSON.stringify(this.#source.summary())}\n`;
    for (const table of this.#source.tables(full)) {
      yield `${JSON.stringify(table)}\n`;
      await turn();
    }
  }
}

/** Does somebody listen there? */
function isAnswered(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.once('connect', () => resolve(true));
  socket.once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}
