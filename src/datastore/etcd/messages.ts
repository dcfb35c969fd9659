/** The few messages of etcd's v3 API that a Store needs, with their field numbers. */
import type { Compare, KeyValue, StoreEvent } from '../store.ts';
import { decode, encode } from './wire.ts';

/** The key after every key with this prefix: the end of its range. */
export function rangeEnd(prefix: string): Buffer {
  const end = Buffer.from(prefix, 'utf8');
  for (let i = end.length - 1; i >= 0; i--) {
    const byte = end[i] as number;
    if (byte < 255) {
      end[i] = byte + 1;
      return end.subarray(0, i + 1);
    }
  }
  return Buffer.from([0]);
}

export interface RangeQuery {
  readonly key: string;
  readonly end?: Buffer;
  readonly limit?: number;
  /** Show the past of this revision; absent: now. */
  readonly revision?: string;
}

export function encodeRange({ key, end, limit, revision }: RangeQuery): Buffer {
  return encode([
    [1, key],
    [2, end],
    [3, limit],
    [4, Number(revision ?? 0)],
  ]);
}

export interface RangeAnswer {
  readonly items: KeyValue[];
  readonly more: boolean;
  readonly revision: string;
}

export function decodeRange(message: Buffer): RangeAnswer {
  const items: KeyValue[] = [];
  let more = false;
  let revision = '0';
  decode(message, {
    bytes(field, value) {
      if (field === 1) revision = decodeHeader(value);
      if (field === 2) items.push(decodeKeyValue(value));
    },
    number(field, value) {
      if (field === 3) more = value === 1;
    },
  });
  return { items, more, revision };
}

export function encodePut(key: string, value: string, lease?: string): Buffer {
  return encode([
    [1, key],
    [2, value],
    [3, Number(lease ?? 0)],
  ]);
}

export function encodeDelete(key: string): Buffer {
  return encode([
    [1, key],
    [3, true],
  ]);
}

/** One operation inside a transaction. */
export const operation = {
  range: (key: string, end?: Buffer): Buffer => encode([[1, encodeRange(end ? { key, end } : { key })]]),
  put: (key: string, value: string, lease?: string): Buffer => encode([[2, encodePut(key, value, lease)]]),
  delete: (key: string): Buffer => encode([[3, encodeDelete(key)]]),
};

const TARGET_MOD_REVISION = 2;

/** `success` runs if all comparisons hold, `failure` otherwise. */
export function encodeTransaction(
  compares: readonly Compare[],
  success: readonly Buffer[],
  failure: readonly Buffer[] = [],
): Buffer {
  return encode([
    ...compares.map((compare) => [1, encodeCompare(compare)] as const),
    ...success.map((op) => [2, op] as const),
    ...failure.map((op) => [3, op] as const),
  ]);
}

/** Equal, which is 0 and so not written. A key that does not exist has the modification revision 0. */
function encodeCompare({ key, revision }: Compare): Buffer {
  const value = Number(revision ?? 0);
  const head = encode([
    [2, TARGET_MOD_REVISION],
    [3, key],
  ]);
  // A member of a oneof is written even when it is zero.
  return Buffer.concat([head, value === 0 ? Buffer.from([6 << 3, 0]) : encode([[6, value]])]);
}

export interface TransactionAnswer {
  readonly succeeded: boolean;
  readonly revision: string;
  /** What each of its range and delete operations returned. */
  readonly answers: KeyValue[][];
}

export function decodeTransaction(message: Buffer): TransactionAnswer {
  const answers: KeyValue[][] = [];
  let succeeded = false;
  let revision = '0';
  decode(message, {
    bytes(field, value) {
      if (field === 1) revision = decodeHeader(value);
      if (field === 3) {
        decode(value, {
          bytes(kind, body) {
            if (kind === 1) answers.push(decodeRange(body).items);
            if (kind === 3) answers.push(decodeDeleted(body));
          },
        });
      }
    },
    number(field, value) {
      if (field === 2) succeeded = value === 1;
    },
  });
  return { succeeded, revision, answers };
}

/** What a delete deleted. */
export function decodeDeleted(message: Buffer): KeyValue[] {
  const items: KeyValue[] = [];
  decode(message, {
    bytes(field, value) {
      if (field === 3) items.push(decodeKeyValue(value));
    },
  });
  return items;
}

/** The revision of any answer: its header is field 1 everywhere. */
export function decodeRevision(message: Buffer): string {
  let revision = '0';
  decode(message, {
    bytes(field, value) {
      if (field === 1) revision = decodeHeader(value);
    },
  });
  return revision;
}

/** The id is chosen by who asks. */
export function encodeLeaseGrant(id: string, seconds: number): Buffer {
  return encode([
    [1, seconds],
    [2, Number(id)],
  ]);
}

export function encodeLeaseKeepAlive(id: string): Buffer {
  return encode([[1, Number(id)]]);
}

/** Seconds that the lease has; 0: it has ended. */
export function decodeLeaseKeepAlive(message: Buffer): number {
  let seconds = 0;
  decode(message, {
    number(field, value) {
      if (field === 3) seconds = value;
    },
  });
  return seconds;
}

export function encodeWatch(prefix: string, start: number): Buffer {
  const create = encode([
    [1, prefix],
    [2, rangeEnd(prefix)],
    [3, start],
    [4, true], // tell the revision now and then, also when nothing happens
  ]);
  return encode([[1, create]]);
}

export interface WatchAnswer {
  readonly created: boolean;
  readonly canceled: boolean;
  /** Above 0 when the start lies before a compaction. */
  readonly compactRevision: number;
  readonly reason: string;
  readonly revision: string;
  readonly events: StoreEvent[];
}

export function decodeWatch(message: Buffer): WatchAnswer {
  const flags = { created: false, canceled: false, compactRevision: 0 };
  const events: StoreEvent[] = [];
  let reason = '';
  let revision = '0';
  decode(message, {
    number(field, value) {
      if (field === 3) flags.created = value === 1;
      if (field === 4) flags.canceled = value === 1;
      if (field === 5) flags.compactRevision = value;
    },
    bytes(field, value) {
      if (field === 1) revision = decodeHeader(value);
      if (field === 6) reason = value.toString('utf8');
      if (field === 11) events.push(decodeEvent(value));
    },
  });
  return { ...flags, reason, revision, events };
}

export function encodeAuthenticate(name: string, password: string): Buffer {
  return encode([
    [1, name],
    [2, password],
  ]);
}

/** The token. */
export function decodeAuthenticate(message: Buffer): string {
  let token = '';
  decode(message, {
    bytes(field, value) {
      if (field === 2) token = value.toString('utf8');
    },
  });
  return token;
}

/** Does the member know a leader? Without one it answers no request. */
export function decodeStatusHasLeader(message: Buffer): boolean {
  let leader = 0;
  decode(message, {
    number(field, value) {
      if (field === 4) leader = value;
    },
  });
  return leader !== 0;
}

function decodeHeader(message: Buffer): string {
  let revision = 0;
  decode(message, {
    number(field, value) {
      if (field === 3) revision = value;
    },
  });
  return String(revision);
}

function decodeKeyValue(message: Buffer): KeyValue {
  let key = '';
  let value = '';
  let revision = 0;
  decode(message, {
    number(field, number) {
      if (field === 3) revision = number;
    },
    bytes(field, bytes) {
      if (field === 1) key = bytes.toString('utf8');
      if (field === 5) value = bytes.toString('utf8');
    },
  });
  return { key, value, revision: String(revision) };
}

function decodeEvent(message: Buffer): StoreEvent {
  let deleted = false;
  let item: KeyValue = { key: '', value: '', revision: '0' };
  decode(message, {
    number(field, value) {
      if (field === 1) deleted = value === 1;
    },
    bytes(field, value) {
      if (field === 2) item = decodeKeyValue(value);
    },
  });
  return deleted ? { ...item, value: null } : item;
}
