/** An HTTP server whose address may change while it runs. It does not keep the process alive. */
import { createServer, type RequestListener, type Server } from 'node:http';

export class Listener {
  readonly #onRequest: RequestListener;
  #server: Server | undefined;
  #address = '';

  constructor(onRequest: RequestListener) {
    this.#onRequest = onRequest;
  }

  /** Resolves when it listens there and nowhere else; an empty host is every address. Rejects with node's error. */
  async listen(host: string, port: number): Promise<void> {
    const address = `${host}:${port}`;
    if (this.#server && this.#address === address) return;
    await this.close();
    const server = createServer(this.#onRequest);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host || undefined, () => {
        server.off('error', reject);
        resolve();
      });
    });
    server.unref();
    this.#server = server;
    this.#address = address;
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }
}
