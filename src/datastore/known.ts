/** What a syncer has reported: enough to tell what a new list changes, without holding any value. */
import { crc32 } from 'node:zlib';
import type { Update } from '../model/index.ts';
import { decode, idOf } from './decode/index.ts';
import type { KeyValue } from './store.ts';

interface Entry {
  readonly revision: string;
  /** Of the value: in another history of the datastore the same revision may be another write. */
  readonly hash: number;
  /** Number of the list that it was last part of. */
  list: number;
}

export class Known {
  readonly #entries = new Map<string, Entry>();
  #list = 0;
  #hidden = false;

  /**
   * Something could only be reported by listing again: a policy stored under both forms of its name has lost the one
   * that counted.
   */
  get needsList(): boolean {
    return this.#hidden;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** From here to `endList`, `put` is called for everything that exists. */
  beginList(): void {
    this.#list++;
    this.#hidden = false;
  }

  /** What was known and has not been put since `beginList` is gone. Must not be called when the list was cut short. */
  *endList(): Iterable<Update> {
    for (const [key, entry] of this.#entries) {
      const update = entry.list === this.#list ? null : this.delete(key);
      if (update) yield update;
    }
  }

  /** The update to report; null when the key is nothing of the model, or nothing has changed. */
  put({ key, value, revision }: KeyValue): Update | null {
    const entry = this.#entries.get(key);
    const hash = crc32(value);
    if (entry?.revision === revision && entry.hash === hash) {
      entry.list = this.#list;
      return null;
    }
    const update = decode(key, value);
    if (!update) return null;
    this.#entries.set(key, { revision, hash, list: this.#list });
    const preferred = preferredTwin(key);
    return preferred !== null && this.#entries.has(preferred) ? null : update;
  }

  /** The update to report; null when the key was not known. */
  delete(key: string): Update | null {
    if (!this.#entries.delete(key)) return null;
    const preferred = preferredTwin(key);
    if (preferred !== null && this.#entries.has(preferred)) return null;
    const other = otherTwin(key);
    const hidden = other === null ? undefined : this.#entries.get(other);
    if (hidden) {
      this.#entries.set(other as string, { revision: '', hash: 0, list: hidden.list });
      this.#hidden = true;
      return null;
    }
    const id = idOf(key);
    return id && ({ id, value: null } as Update);
  }
}

const POLICIES = /\/(?:global)?networkpolicies\//;

/** For the key of a policy `p`: the key of `default.p`, which counts where both exist. */
function preferredTwin(key: string): string | null {
  if (!POLICIES.test(key)) return null;
  const name = key.lastIndexOf('/') + 1;
  return /^(default|knp|ossg)\./.test(key.slice(name)) ? null : `${key.slice(0, name)}default.${key.slice(name)}`;
}

/** For the key of a policy `default.p`: the key of `p`. */
function otherTwin(key: string): string | null {
  const name = key.lastIndexOf('/') + 1;
  return POLICIES.test(key) && key.startsWith('default.', name) ? key.slice(0, name) + key.slice(name + 8) : null;
}
