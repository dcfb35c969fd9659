/** Writes what is wanted where something else is stored, and nothing that is equal. */
import { randomUUID } from 'node:crypto';
import type { Compare, KeyValue, Store, Write } from '../../datastore/index.ts';
import { CalicoError } from '../../errors/index.ts';
import { type Identity, merged } from './merge.ts';
import type { Record } from './record.ts';

const ATTEMPTS = 5;

export interface Written {
  readonly written: number;
  readonly deleted: number;
}

export class Writer {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * In one transaction: what is `wanted` is there and nothing else is under the `others`. What is stored is read first, and again when
   * it has changed meanwhile. Errors: E_DATASTORE, E_CONFLICT (it changes all the time).
   */
  async settle(wanted: readonly Record[], others: readonly string[]): Promise<Written> {
    const values = new Map(wanted.map(({ key, value }) => [key, value]));
    const keys = [...new Set([...values.keys(), ...others])];
    if (keys.length === 0) return { written: 0, deleted: 0 };
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const stored = (await this.#store.read(keys.map((key) => ({ key })))).map(([item]) => item);
      const compares: Compare[] = [];
      const writes: Write[] = [];
      for (const [i, key] of keys.entries()) {
        const item = stored[i];
        const value = values.get(key);
        const text = value ? merged(item?.value ?? null, value, newIdentity) : null;
        if (value ? text === null : !item) continue;
        compares.push({ key, revision: item?.revision ?? null });
        writes.push({ key, value: text });
      }
      const deleted = writes.filter(({ value }) => value === null).length;
      if (writes.length === 0 || (await this.#store.transact(compares, writes)) !== null)
        return { written: writes.length - deleted, deleted };
    }
    throw new CalicoError('E_CONFLICT', keys.join(', '), 'somebody else goes on changing it');
  }

  /** Writes unless the key has changed since `stored` was read. Resolves to whether something was written. */
  async mend({ key, value }: Record, stored: KeyValue | undefined): Promise<boolean> {
    const text = merged(stored?.value ?? null, value, newIdentity);
    if (text === null) return false;
    return (await this.#store.transact([{ key, revision: stored?.revision ?? null }], [{ key, value: text }])) !== null;
  }

  /** Deletes unless the key has changed since it was read. Resolves to whether it did. */
  async remove({ key, revision }: KeyValue): Promise<boolean> {
    return (await this.#store.transact([{ key, revision }], [{ key, value: null }])) !== null;
  }
}

function newIdentity(): Identity {
  return { uid: randomUUID(), creationTimestamp: new Date().toISOString().replace(/\.\d+Z$/, 'Z') };
}
