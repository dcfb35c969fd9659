/** The Store over etcd's v3 API. */
import { randomInt } from 'node:crypto';
import { CalicoError } from '../../errors/index.ts';
import {
  type Compare,
  collect,
  type KeyValue,
  type Page,
  type Question,
  type Store,
  type Watch,
  type WatchHandler,
  type Write,
} from '../store.ts';
import { Connection } from './connection.ts';
import { isCompacted, isLeaseGone } from './failure.ts';
import * as messages from './messages.ts';
import type { EtcdOptions } from './options.ts';
import { EtcdWatch } from './watch.ts';

const RANGE = '/etcdserverpb.KV/Range';
const PUT = '/etcdserverpb.KV/Put';
const DELETE = '/etcdserverpb.KV/DeleteRange';
const TRANSACTION = '/etcdserverpb.KV/Txn';
const LEASE_GRANT = '/etcdserverpb.Lease/LeaseGrant';
const LEASE_KEEP_ALIVE = '/etcdserverpb.Lease/LeaseKeepAlive';

const PAGE_SIZE = 1000;
/** A page of large values from a busy etcd may take longer than a connection may. */
const PAGE_PATIENCE = 30_000;
const LIST_ATTEMPTS = 3;

export class EtcdStore implements Store {
  readonly #connection: Connection;
  readonly #watches = new Set<EtcdWatch>();
  readonly #pageSize: number;

  /** Connects at the first request. */
  constructor(options: EtcdOptions) {
    this.#connection = new Connection(options);
    this.#pageSize = options.pageSize ?? PAGE_SIZE;
  }

  async get(key: string): Promise<KeyValue | null> {
    const request = messages.encodeRange({ key });
    return messages.decodeRange(await this.#connection.call(RANGE, request, { repeatable: true })).items[0] ?? null;
  }

  async read(questions: readonly Question[]): Promise<KeyValue[][]> {
    const ranges = questions.map((question) =>
      'key' in question
        ? messages.operation.range(question.key)
        : messages.operation.range(question.prefix, messages.rangeEnd(question.prefix)),
    );
    const request = messages.encodeTransaction([], ranges);
    return messages.decodeTransaction(await this.#connection.call(TRANSACTION, request, { repeatable: true })).answers;
  }

  async list(prefix: string): Promise<Page> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await collect(this.pages(prefix));
      } catch (error) {
        if (!isCompacted(error) || attempt === LIST_ATTEMPTS) throw error;
      }
    }
  }

  async *pages(prefix: string): AsyncIterable<Page> {
    const end = messages.rangeEnd(prefix);
    let key = prefix;
    let revision: string | undefined;
    for (;;) {
      const query = { key, end, limit: this.#pageSize, ...(revision === undefined ? {} : { revision }) };
      const options = { repeatable: true, patience: PAGE_PATIENCE };
      const answer = messages.decodeRange(await this.#connection.call(RANGE, messages.encodeRange(query), options));
      revision ??= answer.revision;
      yield { items: answer.items, revision };
      const last = answer.items.at(-1);
      if (!answer.more || !last) return;
      key = `${last.key}\0`;
    }
  }

  async create(key: string, value: string): Promise<string> {
    const revision = await this.transact([{ key, revision: null }], [{ key, value }]);
    if (revision === null) throw new CalicoError('E_EXISTS', key, 'exists already');
    return revision;
  }

  async put(key: string, value: string): Promise<string> {
    const request = messages.encodePut(key, value);
    return messages.decodeRevision(await this.#connection.call(PUT, request, { repeatable: false }));
  }

  async update(key: string, value: string, revision: string): Promise<string> {
    const answer = await this.#ifUnchanged(key, revision, messages.operation.put(key, value));
    if (answer.succeeded) return answer.revision;
    if (answer.answers.flat().length === 0) throw new CalicoError('E_NOT_FOUND', key, 'does not exist');
    throw conflict(key);
  }

  async delete(key: string, revision?: string): Promise<KeyValue | null> {
    if (revision === undefined) {
      const request = messages.encodeDelete(key);
      return messages.decodeDeleted(await this.#connection.call(DELETE, request, { repeatable: false }))[0] ?? null;
    }
    const answer = await this.#ifUnchanged(key, revision, messages.operation.delete(key));
    const items = answer.answers.flat();
    if (!answer.succeeded && items.length > 0) throw conflict(key);
    return items[0] ?? null;
  }

  async transact(compares: readonly Compare[], writes: readonly Write[]): Promise<string | null> {
    const operations = writes.map(({ key, value, lease }) =>
      value === null ? messages.operation.delete(key) : messages.operation.put(key, value, lease),
    );
    const answer = await this.#transaction(messages.encodeTransaction(compares, operations)).catch((error) => {
      const lease = writes.find((write) => write.lease !== undefined)?.lease;
      throw isLeaseGone(error) ? new CalicoError('E_NOT_FOUND', `lease ${lease}`, 'has ended') : error;
    });
    return answer.succeeded ? answer.revision : null;
  }

  async grantLease(seconds: number): Promise<string> {
    // etcd would choose one above 2^53, which is no number here; 0 is none.
    const id = String(1 + randomInt(2 ** 48 - 2));
    await this.#connection.call(LEASE_GRANT, messages.encodeLeaseGrant(id, seconds), { repeatable: false });
    return id;
  }

  async renewLease(lease: string): Promise<boolean> {
    const answer = await this.#connection.exchange(LEASE_KEEP_ALIVE, messages.encodeLeaseKeepAlive(lease));
    return messages.decodeLeaseKeepAlive(answer) > 0;
  }

  watch(prefix: string, afterRevision: string, handler: WatchHandler): Watch {
    const watch = new EtcdWatch(this.#connection, prefix, afterRevision, handler, () => this.#watches.delete(watch));
    this.#watches.add(watch);
    watch.start();
    return watch;
  }

  async close(): Promise<void> {
    for (const watch of [...this.#watches]) watch.close();
    this.#connection.close();
  }

  /** The operation if the key has the revision; what the key holds otherwise. */
  #ifUnchanged(key: string, revision: string, operation: Buffer): Promise<messages.TransactionAnswer> {
    const read = messages.operation.range(key);
    // A revision that is no number is none that a key could have.
    const compare = { key, revision: /^[1-9]\d{0,15}$/.test(revision) ? revision : String(Number.MAX_SAFE_INTEGER) };
    return this.#transaction(messages.encodeTransaction([compare], [operation], [read]));
  }

  async #transaction(request: Buffer): Promise<messages.TransactionAnswer> {
    return messages.decodeTransaction(await this.#connection.call(TRANSACTION, request, { repeatable: false }));
  }
}

function conflict(key: string): CalicoError {
  return new CalicoError('E_CONFLICT', key, 'has changed since it was read', { hint: 'read it again' });
}
