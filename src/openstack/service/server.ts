/**
 * Neutron's driver speaks to us over HTTP on a Unix socket. Whoever can open it can change what instances may do: it is for its
 * owner only.
 */
import { chmodSync, existsSync, mkdirSync, unlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { CalicoError } from '../../errors/index.ts';

const LARGEST = 16 * 1024 * 1024;

/** Answers: what is sent as JSON; undefined is an empty answer, text is sent as it is. */
export type Handler = (request: { readonly body: unknown; readonly query: URLSearchParams }) => Promise<unknown>;

/** By method and path. */
export type Routes = Readonly<{ [methodAndPath: string]: Handler }>;

/** Resolves when it listens. E_CONFIG: another process does already, or the path cannot be used. */
export async function serve(path: string, routes: Routes): Promise<Server> {
  if (await answers(path)) throw new CalicoError('E_CONFIG', path, 'another service listens there');
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  if (existsSync(path)) unlinkSync(path);
  const server = createServer((request, response) => void handle(routes, request, response));
  // From its first moment the socket is its owner's only.
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
  } catch (cause) {
    throw new CalicoError('E_CONFIG', path, 'cannot be listened on', { hint: (cause as Error).message, cause });
  } finally {
    process.umask(mask);
  }
  chmodSync(path, 0o600);
  return server;
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const done = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.once('connect', () => done(true)).once('error', () => done(false));
  });
}

async function handle(routes: Routes, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://service');
  const handler = Object.hasOwn(routes, `${request.method} ${url.pathname}`)
    ? routes[`${request.method} ${url.pathname}`]
    : undefined;
  try {
    if (!handler) return send(response, 404, { error: `nothing is at ${request.method} ${url.pathname}` });
    const body = await bodyOf(request);
    // Who has gone may have asked again since: this is no longer what it wants.
    if (request.socket.destroyed) return;
    const answer = await handler({ body, query: url.searchParams });
    send(response, answer === undefined ? 204 : 200, answer);
  } catch (error) {
    const invalid = error instanceof CalicoError && error.code === 'E_INVALID';
    send(response, invalid ? 400 : 503, { error: String(error) });
  }
}

function send(response: ServerResponse, status: number, answer: unknown): void {
  const plain = typeof answer === 'string';
  response.writeHead(status, { 'content-type': plain ? 'text/plain; version=0.0.4' : 'application/json' });
  response.end(answer === undefined ? undefined : plain ? answer : JSON.stringify(answer));
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > LARGEST) throw new CalicoError('E_INVALID', 'request', 'is too large');
    chunks.push(chunk);
  }
  if (length === 0) return null;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new CalicoError('E_INVALID', 'request', 'is not JSON');
  }
}
