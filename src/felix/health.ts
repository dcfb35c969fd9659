/** /liveness and /readiness: 204 when good, 503 when not, as upstream's. */
import { Listener } from './listener.ts';

export class Health {
  private reasons = new Set<string>();
  private readonly listener = new Listener((request, response) => {
    const path = request.url?.split('?')[0];
    if (path !== '/liveness' && path !== '/readiness') return response.writeHead(404).end();
    // The event loop has answered: that is what liveness means here.
    const good = path === '/liveness' || this.ready;
    if (good) return response.writeHead(204).end();
    return response
      .writeHead(503, { 'content-type': 'text/plain' })
      .end(`not ready: ${[...this.reasons].join(', ')}\n`);
  });

  /** Felix is ready when every one of these parts has been reported ready. */
  constructor(parts: readonly string[]) {
    for (const part of parts) this.reasons.add(part);
  }

  report(part: string, ready: boolean): void {
    if (ready) this.reasons.delete(part);
    else this.reasons.add(part);
  }

  get ready(): boolean {
    return this.reasons.size === 0;
  }

  /** Resolves when it listens there and nowhere else. */
  serve(host: string, port: number): Promise<void> {
    return this.listener.listen(host, port);
  }

  close(): Promise<void> {
    return this.listener.close();
  }
}
