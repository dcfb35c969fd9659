/** Which keys of endpoints each port has, whoever wrote them: a port that moved or changed its owner leaves none behind. */
import type { Store, Watch } from '../../datastore/index.ts';
import { portOfEndpoint } from './endpoint.ts';

const RETRY_MS = 1000;

export class KnownEndpoints {
  readonly #store: Store;
  readonly #prefix: string;
  readonly #keys = new Map<string, Set<string>>();
  readonly #onError: (error: unknown) => void;
  #watch: Watch | undefined;
  #retry: NodeJS.Timeout | undefined;

  constructor(store: Store, prefix: string, onError: (error: unknown) => void) {
    this.#store = store;
    this.#prefix = prefix;
    this.#onError = onError;
  }

  /** Resolves when everything that is stored is known; what comes later is followed. Errors: E_DATASTORE. */
  async start(): Promise<void> {
    const { items, revision } = await this.#store.list(this.#prefix);
    this.#keys.clear();
    for (const { key } of items) this.add(key);
    this.#follow(revision);
  }

  stop(): void {
    this.#watch?.close();
    clearTimeout(this.#retry);
  }

  keysOf(portId: string): readonly string[] {
    return [...(this.#keys.get(portId) ?? [])];
  }

  /** Told of a key that was just written, before the watch tells it. */
  add(key: string): void {
    const portId = this.#portOf(key);
    if (portId === null) return;
    const keys = this.#keys.get(portId);
    if (keys) keys.add(key);
    else this.#keys.set(portId, new Set([key]));
  }

  #remove(key: string): void {
    const portId = this.#portOf(key);
    const keys = portId === null ? undefined : this.#keys.get(portId);
    if (keys?.delete(key) && keys.size === 0) this.#keys.delete(portId as string);
  }

  #portOf(key: string): string | null {
    return portOfEndpoint(key.slice(this.#prefix.length));
  }

  #follow(revision: string): void {
    let seen = revision;
    this.#watch = this.#store.watch(this.#prefix, revision, {
      onEvents: (events, upTo) => {
        seen = upTo;
        for (const { key, value } of events) value === null ? this.#remove(key) : this.add(key);
      },
      onLost: (reason) => this.#later(() => (reason === 'compacted' ? this.start() : this.#follow(seen))),
    });
  }

  #later(task: () => Promise<void> | void): void {
    this.#retry = setTimeout(async () => {
      try {
        await task();
      } catch (error) {
        this.#onError(error);
        this.#later(task);
      }
    }, RETRY_MS);
  }
}
