/** Reading what can be read of a resource that may be wrong in places. */
import * as read from './read.ts';

/** Gathers what is wrong, where `read` alone would give up at the first of it. */
export class Salvage {
  readonly #problems: string[] = [];

  get intact(): boolean {
    return this.#problems.length === 0;
  }

  /** `otherwise` stands in for what cannot be read. */
  or<T>(otherwise: T, readField: () => T): T {
    try {
      return readField();
    } catch (error) {
      this.#problems.push((error as Error).message);
      return otherwise;
    }
  }

  /** The elements that can be read. */
  list<T>(value: unknown, field: string, element: (value: unknown, field: string) => T): readonly T[] {
    try {
      return read.list(value, field, element);
    } catch {
      // Seldom; the elements are looked at once more, each by itself.
    }
    const elements = this.or([], () => read.list(value, field, (found) => found));
    return elements.flatMap((found) => this.or<T[]>([], () => [element(found, field)]));
  }

  /** The elements before the first that cannot be read: for lists where what comes later counts for less. */
  until<T>(value: unknown, field: string, element: (value: unknown, field: string) => T): readonly T[] {
    const elements = this.or<readonly unknown[]>([], () => read.list(value, field, (found) => found));
    const legible: T[] = [];
    this.or(undefined, () => {
      for (const found of elements) legible.push(element(found, field));
    });
    return legible;
  }

  decoded<T>(value: T): read.Decoded<T> {
    return this.intact ? { value } : { value, problem: this.#problems.join('; ') };
  }
}
