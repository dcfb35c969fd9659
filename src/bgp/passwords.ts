/**
 * Passwords of BGP sessions, from files: the key of a Secret is the file `<secret>/<key>` below a directory, as a Secret
 * that is mounted has it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SecretRef } from '../model/index.ts';

const PART = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

export class PasswordFiles {
  readonly #directory: string;
  /** Whether a password has been asked for: then the files may matter again. */
  used = false;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** As the file has it now, without the end of its line. Null: there is no such file, or it cannot be read. */
  read({ name, key }: SecretRef): string | null {
    this.used = true;
    if (!PART.test(name) || !PART.test(key)) return null;
    try {
      return readFileSync(join(this.#directory, name, key), 'utf8').replace(/\r?\n$/, '');
    } catch {
      return null;
    }
  }
}
