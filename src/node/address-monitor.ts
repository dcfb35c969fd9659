/** Looks again for the node's addresses, where they are autodetected, when those of the host change, and now and then. */
import { parseDuration } from '../api/index.ts';
import { KernelEvents } from '../kernel/index.ts';
import { isAutodetected } from './addresses.ts';
import { configureNode, type Start } from './start.ts';
import type { Environment } from './variables.ts';

const DEFAULT_INTERVAL_MS = 60_000;
/** A network that is being configured changes several times. */
const SETTLE_MS = 1000;

export class AddressMonitor {
  readonly #node: Start;
  #events: KernelEvents | undefined;
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #busy = false;
  #again = false;

  static isNeeded(env: Environment): boolean {
    return isAutodetected(env, 4) || isAutodetected(env, 6);
  }

  constructor(node: Start) {
    this.#node = node;
  }

  start(): void {
    const { env, log } = this.#node;
    this.#timer = setInterval(() => this.#look(), intervalMs(env.AUTODETECT_POLL_INTERVAL));
    this.#events = new KernelEvents({
      routes: false,
      onEvents: () => {
        clearTimeout(this.#soon);
        this.#soon = setTimeout(() => this.#look(), SETTLE_MS);
      },
      onError: (error) => log.warn({ error: String(error) }, 'changes of addresses are noticed late'),
    });
  }

  stop(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    void this.#events?.close();
  }

  /** One look at a time; what fails leaves the Node as it is. */
  async #look(): Promise<void> {
    this.#again = this.#busy;
    if (this.#busy) return;
    this.#busy = true;
    await configureNode({ ...this.#node, again: true }).catch((error) => {
      this.#node.log.error({ error: String(error) }, "the node's addresses are not brought up to date");
    });
    this.#busy = false;
    if (this.#again) await this.#look();
  }
}

function intervalMs(text = ''): number {
  const nanoseconds = parseDuration(text);
  return nanoseconds !== null && nanoseconds > 0 ? nanoseconds / 1e6 : DEFAULT_INTERVAL_MS;
}
