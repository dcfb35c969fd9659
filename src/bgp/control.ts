/** BIRD's control socket: commands and their replies. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { CalicoError } from '../errors/index.ts';
import { runDirectory } from '../program/index.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The socket's name in BIRD's directory. */
export const CONTROL_SOCKET = 'bird.ctl';

/** Where calico-bgp keeps its BIRD's files. */
export function birdDirectory(env: Environment): string {
  return join(runDirectory(env), 'bird');
}

/** Where calico-bgp's BIRD listens. */
export function birdSocket(env: Environment): string {
  return join(birdDirectory(env), CONTROL_SOCKET);
}

export interface Reply {
  /** Of the last line: 0xxx done, 8xxx failed while running, 9xxx not understood. */
  readonly code: number;
  /** Texts of all lines, in order. */
  readonly lines: readonly string[];
}

/** Sends one command to the BIRD that listens at `socket`. E_CONFIG: nobody listens, no answer in `timeout` ms, or it refuses. */
export function command(socket: string, text: string, timeout = 5000): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const connection = connect(socket);
    let received = '';
    let greeted = false;
    const finish = (error: string | null, reply?: Reply) => {
      clearTimeout(timer);
      connection.destroy();
      if (reply && reply.code < 8000) resolve(reply);
      else reject(new CalicoError('E_CONFIG', 'bird', error ?? (reply?.lines.join('; ') || 'refused'), { hint: text }));
    };
    const timer = setTimeout(() => finish('does not answer'), timeout);
    connection.on('error', (error) => finish(error.message));
    connection.on('close', () => finish('closed the connection'));
    connection.on('data', (chunk) => {
      received += chunk.toString();
      const reply = parseReply(received);
      if (!reply) return;
      received = '';
      if (greeted) finish(null, reply);
      else {
        greeted = true;
        connection.write(`${text}\n`);
      }
    });
  });
}

/**
 * A reply is complete with a line `NNNN text`; those before it are `NNNN-text`, or ` text`, which goes on with the same
 * code; `+text` is asynchronous and no part of it. Null: not complete yet.
 */
export function parseReply(received: string): Reply | null {
  const lines: string[] = [];
  for (const line of received.split('\n').slice(0, -1)) {
    const match = /^(\d{4})([ -])(.*)$/.exec(line);
    if (match) lines.push(match[3] as string);
    else if (line.startsWith(' ')) lines.push(line.slice(1));
    if (match?.[2] === ' ') return { code: Number(match[1]), lines };
  }
  return null;
}
