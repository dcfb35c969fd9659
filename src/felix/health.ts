/**
 * /liveness and /readiness: 204 when good and 503 when not, as upstream's; which parts are how stands in the answer when it
 * is not good, or when it is asked for (`?verbose`: 200).
 */
import { Listener } from './listener.ts';

interface Part {
  ready: boolean;
  /** Why it is not ready, or what is wrong although it is, in words. */
  detail: string;
  /** What it is stuck in, in words; null: it is alive. */
  stuck: () => string | null;
}

const NOT_YET = 'not started yet';

export class Health {
  readonly #parts = new Map<string, Part>();
  readonly #listener = new Listener((request, response) => {
    const [path, query] = (request.url ?? '').split('?');
    if (path !== '/liveness' && path !== '/readiness') return response.writeHead(404).end();
    const good = path === '/liveness' ? this.live : this.ready;
    const verbose = new URLSearchParams(query).has('verbose');
    if (good && !verbose) return response.writeHead(204).end();
    return response.writeHead(good ? 200 : 503, { 'content-type': 'text/plain' }).end(this.detail);
  });

  /** Felix is ready when every one of these parts has been reported ready. */
  constructor(parts: readonly string[]) {
    for (const name of parts) this.#parts.set(name, { ready: false, detail: NOT_YET, stuck: () => null });
  }

  /** Of one of the parts; `detail` says why it is not ready, or what is wrong although it is. */
  report(part: string, ready: boolean, detail = ''): void {
    Object.assign(this.#part(part), { ready, detail });
  }

  /** Felix is alive while no part is stuck: in what, or null. Asked whenever somebody asks for liveness. */
  watch(part: string, stuck: () => string | null): void {
    this.#part(part).stuck = stuck;
  }

  get ready(): boolean {
    return [...this.#parts.values()].every(({ ready }) => ready);
  }

  get live(): boolean {
    return [...this.#parts.values()].every(({ stuck }) => stuck() === null);
  }

  /** A line a part. */
  get detail(): string {
    const lines = [...this.#parts].map(([name, { ready, detail, stuck }]) => {
      const why = [stuck() ?? '', detail].filter((text) => text !== '').join('; ');
      const states = `${stuck() === null ? 'live' : 'not live'}, ${ready ? 'ready' : 'not ready'}`;
      return `${name}: ${states}${why === '' ? '' : `: ${why}`}\n`;
    });
    return lines.join('');
  }

  /** Resolves when it listens there and nowhere else. */
  serve(host: string, port: number): Promise<void> {
    return this.#listener.listen(host, port);
  }

  close(): Promise<void> {
    return this.#listener.close();
  }

  #part(name: string): Part {
    const part = this.#parts.get(name);
    if (!part) throw new RangeError(`no such part: ${name}`);
    return part;
  }
}
