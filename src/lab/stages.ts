/** Says what is being done, as it happens, and how long it took. */
export class Stages {
  readonly #write: (text: string) => void;
  readonly #started = performance.now();

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Runs a stage. Text that it resolves to is shown with it; other results are handed through. */
  async run<T>(title: string, work: () => Promise<T>): Promise<T> {
    const began = performance.now();
    const result = await work();
    const detail = typeof result === 'string' ? ` (${result})` : '';
    this.#write(
      `${seconds(performance.now() - this.#started)}  ${title}${detail}  ${seconds(performance.now() - began).trim()}\n`,
    );
    return result;
  }

  get elapsed(): string {
    return seconds(performance.now() - this.#started).trim();
  }

  say(text: string): void {
    this.#write(`${text}\n`);
  }
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2).padStart(6)} s`;
}
