/**
 * Synchronous netlink requests, in bounded batches.
 *
 * Only the last message of a batch asks for an acknowledgement: the kernel answers every message that fails anyway, so
 * a batch that succeeds costs two system calls.
 */

import { kernelError, type Refusal, refusal } from './errno.ts';
import * as libc from './libc.ts';
import {
  attributes,
  type Message,
  MessageWriter,
  messages,
  NLM_F_ACK,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HEADER,
  readI32,
  readText,
  readU32,
} from './message.ts';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const MSG_DONTWAIT = 0x40;
const EINTR = 4;
const EAGAIN = 11;
const NLMSGERR_ATTR_MSG = 1;

const RECEIVE_BUFFER = 8 << 20;
const BATCH_BYTES = 48 * 1024;
const BATCH_MESSAGES = 256;
/** A dump that the kernel could not make consistent is started anew so many times. */
const DUMP_ATTEMPTS = 5;

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

/** What became of a batch: the index of each item that failed, and why. Everything else was done. */
export type Failures = ReadonlyMap<number, Failure>;
export interface Failure extends Refusal {
  /** The request as the kernel echoed it, where it did (ipset marks there what failed). */
  readonly echo: Buffer;
}

export interface SocketOptions {
  /** Multicast groups to join. */
  readonly groups?: readonly number[];
  /** Of the kernel's receive buffer. */
  readonly receiveBytes?: number;
  /** Until an answer that does not come is a failure; 0: never. Default 5000. */
  readonly timeoutMs?: number;
}

export class NetlinkSocket {
  readonly fd: number;
  /** Our address: what the kernel names in notifications of our own changes. */
  readonly port: number;
  readonly #writer = new MessageWriter();
  readonly #buffer = Buffer.alloc(256 * 1024);
  readonly #timeoutMs: number;
  #sequence = 0;
  #requests = 0;

  /** E_KERNEL when the kernel has no such netlink family. */
  constructor(protocol: number, options: SocketOptions = {}) {
    this.fd = check('socket', libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
    // Without CAP_NET_ADMIN the buffer stays small; old kernels lack the netlink options: both only cost speed or words.
    this.#option(SOL_SOCKET, SO_RCVBUFFORCE, options.receiveBytes ?? RECEIVE_BUFFER);
    this.#option(SOL_SOCKET, SO_SNDBUFFORCE, 1 << 20);
    this.#option(SOL_NETLINK, NETLINK_CAP_ACK, 1);
    this.#option(SOL_NETLINK, NETLINK_EXT_ACK, 1);
    this.#option(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
    this.#timeoutMs = options.timeoutMs ?? 5000;
    const seconds = Math.floor(this.#timeoutMs / 1000);
    const microseconds = Math.round((this.#timeoutMs % 1000) * 1000);
    const timeval = new BigInt64Array([BigInt(seconds), BigInt(microseconds)]);
    libc.setsockopt(this.fd, SOL_SOCKET, SO_RCVTIMEO, new Uint8Array(timeval.buffer), 16);
    const address = Buffer.alloc(12);
    address.set(new Uint8Array(new Uint16Array([AF_NETLINK]).buffer));
    check('bind', libc.bind(this.fd, address, 12));
    check('getsockname', libc.getsockname(this.fd, address, new Uint8Array(new Uint32Array([12]).buffer)));
    this.port = readU32(address, 4);
    for (const group of options.groups ?? []) this.#option(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
  }

  /** Messages sent so far: what tests count. */
  get requests(): number {
    return this.#requests;
  }

  /**
   * Sends one message for each item and returns those that failed; a failed one does not keep the next from being done.
   * `encode` writes exactly one message. E_KERNEL when answers were lost: what was reached is then unknown.
   */
  batch<T>(items: readonly T[], encode: (writer: MessageWriter, item: T) => void): Failures {
    const failures = new Map<number, Failure>();
    const writer = this.#writer;
    let first = 0;
    for (let i = 0; i < items.length; i++) {
      encode(writer, items[i] as T);
      const last = i === items.length - 1 || i - first + 1 >= BATCH_MESSAGES || writer.length >= BATCH_BYTES;
      writer.stamp(this.#nextSequence(), last ? NLM_F_ACK : 0);
      if (!last) continue;
      this.#exchange(first, i, failures);
      first = i + 1;
    }
    return failures;
  }

  /** One message; null when it was done. */
  request(encode: (writer: MessageWriter) => void): Failure | null {
    return this.batch([0], encode).get(0) ?? null;
  }

  /**
   * Sends a dump request and gives every answer to `onMessage`, whose message is valid only during the call.
   * `onRestart` is called when the table changed meanwhile and the dump starts anew: forget what came so far.
   * Throws E_KERNEL when the kernel refuses or the table does not stand still.
   */
  dump(
    what: string,
    encode: (writer: MessageWriter) => void,
    onMessage: (m: Message) => void,
    onRestart: () => void,
  ): void {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      if (attempt > 0) onRestart();
      const sequence = this.startDump(what, encode);
      let state: DumpState = 'more';
      let consistent = true;
      while (state !== 'done') {
        state = this.continueDump(what, sequence, (message) => {
          if (message.flags & NLM_F_DUMP_INTR) consistent = false;
          onMessage(message);
        });
        if (state === 'interrupted') consistent = false;
        if (state === 'interrupted') state = 'done';
      }
      if (consistent) return;
    }
    throw kernelError(what, 'dump', refusal(EINTR, 'the table kept changing while it was read'));
  }

  /** Sends a dump request; returns what `continueDump` needs. For dumps that are to yield to other work in between. */
  startDump(what: string, encode: (writer: MessageWriter) => void): number {
    const sequence = this.#nextSequence();
    encode(this.#writer);
    this.#writer.stamp(sequence, NLM_F_DUMP);
    this.#send(what, 1);
    return sequence;
  }

  /** Receives one datagram of a dump. `interrupted` is a `done` that says the table changed meanwhile. */
  continueDump(what: string, sequence: number, onMessage: (m: Message) => void): DumpState {
    const datagram = this.#receive(what);
    for (const message of messages(datagram)) {
      if (message.sequence !== sequence) continue;
      if (message.type === NLMSG_DONE) {
        const error = message.payload.length >= 4 ? -readI32(message.payload) : 0;
        if (error > 0) throw kernelError(what, 'dump', refusal(error));
        return message.flags & NLM_F_DUMP_INTR ? 'interrupted' : 'done';
      }
      if (message.type === NLMSG_ERROR) {
        const failure = failureOf(message);
        if (failure) throw kernelError(what, 'dump', failure);
        return 'done';
      }
      onMessage(message);
    }
    return 'more';
  }

  close(): void {
    libc.close(this.fd);
  }

  /** Sends what is written, which holds items `first` to `last`, and reads answers until that of the last. */
  #exchange(first: number, last: number, failures: Map<number, Failure>): void {
    const lastSequence = this.#sequence;
    const count = last - first + 1;
    this.#send('netlink', count);
    for (;;) {
      const datagram = this.#receive('netlink');
      for (const message of messages(datagram)) {
        const behind = (lastSequence - message.sequence) >>> 0;
        // Answers to an earlier request that was given up are not ours.
        if (message.type !== NLMSG_ERROR || behind >= count) continue;
        const failure = failureOf(message);
        if (failure) failures.set(last - behind, failure);
        if (behind === 0) return;
      }
    }
  }

  #send(what: string, count: number): void {
    const bytes = this.#writer.bytes();
    const sent = libc.send(this.fd, bytes, bytes.length, 0);
    const error = sent < 0 ? libc.errno() : 0;
    this.#writer.clear();
    if (error) throw kernelError(what, 'send', refusal(error));
    this.#requests += count;
  }

  /** A datagram, in a buffer that the next call overwrites. */
  #receive(what: string): Buffer {
    for (;;) {
      const length = libc.recv(this.fd, this.#buffer, this.#buffer.length, 0);
      if (length >= 0) return this.#buffer.subarray(0, length);
      const error = libc.errno();
      if (error === EINTR) continue;
      throw kernelError(
        what,
        'receive',
        refusal(error, error === EAGAIN ? `no answer within ${this.#timeoutMs} ms` : ''),
      );
    }
  }

  #nextSequence(): number {
    this.#sequence = (this.#sequence + 1) >>> 0;
    return this.#sequence;
  }

  #option(level: number, name: number, value: number): void {
    libc.setsockopt(this.fd, level, name, new Uint8Array(new Int32Array([value]).buffer), 4);
  }
}

export type DumpState = 'more' | 'done' | 'interrupted';

/** Waits for nothing: the datagram that is there, null when there is none. Throws the errno ENOBUFS as a Refusal. */
export function receiveNow(fd: number, buffer: Buffer): Buffer | null {
  const length = libc.recv(fd, buffer, buffer.length, MSG_DONTWAIT);
  if (length >= 0) return buffer.subarray(0, length);
  const error = libc.errno();
  if (error === EAGAIN || error === EINTR) return null;
  throw refusal(error);
}

/** Null for an acknowledgement. */
function failureOf(message: Message): Failure | null {
  const error = -readI32(message.payload);
  if (error === 0) return null;
  // Errors carry the whole request unless it was cut to its header; the kernel's words come after it.
  const echoLength = message.flags & NLM_F_CAPPED ? NLMSG_HEADER : readU32(message.payload, 4);
  const tail = 4 + ((echoLength + 3) & ~3);
  const text = message.flags & NLM_F_ACK_TLVS ? attributes(message.payload, tail).get(NLMSGERR_ATTR_MSG) : undefined;
  return { ...refusal(error, text && readText(text)), echo: Buffer.from(message.payload.subarray(4, 4 + echoLength)) };
}

function check(call: string, result: number): number {
  if (result >= 0) return result;
  throw kernelError('netlink', call, refusal(libc.errno()));
}
