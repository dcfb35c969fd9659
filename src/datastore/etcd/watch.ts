/** One watch of a prefix, on a stream of its own. */
import { compareRevisions, type Watch, type WatchHandler, type WatchLoss } from '../store.ts';
import type { Connection, WatchStream } from './connection.ts';
import { isInvalidToken } from './failure.ts';
import { decodeWatch, encodeWatch, type WatchAnswer } from './messages.ts';

export class EtcdWatch implements Watch {
  readonly #connection: Connection;
  readonly #prefix: string;
  readonly #after: string;
  readonly #handler: WatchHandler;
  readonly #onEnd: () => void;
  #stream: WatchStream | null = null;
  #ended = false;

  /** `onEnd` is called when it is lost or closed. */
  constructor(connection: Connection, prefix: string, after: string, handler: WatchHandler, onEnd: () => void) {
    this.#connection = connection;
    this.#prefix = prefix;
    this.#after = after;
    this.#handler = handler;
    this.#onEnd = onEnd;
  }

  start(): void {
    this.#open().catch(() => this.#lose('disconnected'));
  }

  close(): void {
    this.#end();
  }

  async #open(): Promise<void> {
    const stream = await this.#connection.watchStream();
    stream.on('data', (message: Buffer) => this.#receive(decodeWatch(message)));
    stream.on('error', (error) => {
      if (isInvalidToken(error)) this.#connection.forgetToken();
      this.#lose('disconnected');
    });
    stream.on('end', () => this.#lose('disconnected'));
    // Cancelling too is reported as an error, so listen before that.
    if (this.#ended) return stream.cancel();
    this.#stream = stream;
    stream.write(encodeWatch(this.#prefix, Number(this.#after) + 1));
  }

  #receive(answer: WatchAnswer): void {
    if (this.#ended) return;
    if (answer.canceled) {
      // The stream itself is not refused when the token is unknown, so that this is the only sign of it.
      if (answer.compactRevision === 0) this.#connection.forgetToken();
      this.#lose(answer.compactRevision > 0 ? 'compacted' : 'disconnected');
    } else if (answer.created) {
      // etcd would wait in silence for a revision that a restored datastore has not reached again.
      if (compareRevisions(answer.revision, this.#after) < 0) this.#lose('compacted');
    } else {
      this.#handler.onEvents(answer.events, answer.revision);
    }
  }

  #lose(reason: WatchLoss): void {
    if (this.#ended) return;
    this.#end();
    this.#handler.onLost(reason);
  }

  #end(): void {
    this.#ended = true;
    this.#stream?.cancel();
    this.#onEnd();
  }
}
