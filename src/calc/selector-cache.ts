/** Parsed selectors by their text: parsed once, kept while anybody uses them. */
import { parseSelector, type Selector } from '../selector/index.ts';

export class SelectorCache {
  readonly #entries = new Map<string, { readonly selector: Selector; users: number }>();

  /** Throws a CalicoError (E_SELECTOR) when the text does not parse; nothing is to be released then. */
  acquire(text: string): Selector {
    let entry = this.#entries.get(text);
    if (!entry) {
      entry = { selector: parseSelector(text), users: 0 };
      this.#entries.set(text, entry);
    }
    entry.users++;
    return entry.selector;
  }

  release(text: string): void {
    const entry = this.#entries.get(text);
    if (entry && --entry.users === 0) this.#entries.delete(text);
  }

  get size(): number {
    return this.#entries.size;
  }
}
