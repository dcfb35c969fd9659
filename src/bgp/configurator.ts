/** Brings what is known of the network into BIRD, soon after it has changed, and says what of it cannot be done. */
import type { Logger } from 'pino';
import type { Rendered } from './render.ts';
import type { Problem } from './session-text.ts';
import type { BirdSupervisor } from './supervisor.ts';

/** Changes that come together make one new configuration. */
const SETTLE_MS = 20;

export interface ConfiguratorOptions {
  /** Null as long as there is nothing to speak BGP with. */
  readonly render: () => Rendered | null;
  readonly bird: Pick<BirdSupervisor, 'apply'>;
  readonly log: Logger;
}

export class Configurator {
  readonly #options: ConfiguratorOptions;
  #timer: NodeJS.Timeout | undefined;
  #told = '';

  constructor(options: ConfiguratorOptions) {
    this.#options = options;
  }

  applySoon(): void {
    this.#timer ??= setTimeout(() => this.#apply(), SETTLE_MS);
  }

  #apply(): void {
    this.#timer = undefined;
    const { render, bird, log } = this.#options;
    const rendered = render();
    if (!rendered) {
      log.warn('the node is not known, or has no address: BIRD waits for it');
      return;
    }
    this.#complain(rendered.problems);
    bird.apply(rendered.text).catch((error) => log.error({ error: String(error) }, 'BIRD goes on as it was'));
  }

  /** Once, and again when anything of it is another. */
  #complain(problems: readonly Problem[]): void {
    const before = this.#told;
    this.#told = JSON.stringify(problems);
    if (this.#told === before) return;
    for (const problem of problems) this.#options.log.error(problem, 'a BGP session is not as it was asked for');
  }
}
