/** Mistakes of our own, by what they are about: what throws is in nobody else's way, is told, and is tried again. */
export class Faults {
  readonly #errors = new Map<string, unknown>();

  get all(): ReadonlyMap<string, unknown> {
    return this.#errors;
  }

  /** True when the work is done: then nothing is wrong about the subject any more. */
  attempt(subject: string, work: () => void): boolean {
    try {
      work();
      this.#errors.delete(subject);
      return true;
    } catch (error) {
      this.#errors.set(subject, error);
      return false;
    }
  }

  forget(subject: string): void {
    this.#errors.delete(subject);
  }

  /** In words, for the status of what it is about. */
  problems(subject: string): string[] {
    return this.#errors.has(subject) ? [`${subject} is closed: ${String(this.#errors.get(subject))}`] : [];
  }
}

export const interfaceSubject = (name: string): string => `interface ${name}`;
export const hostSubject = (name: string): string => `host endpoint on ${name}`;
