/** Notifications of the kernel, received by a worker thread and told on the main thread. */
import { Worker } from 'node:worker_threads';
import { CalicoError } from '../errors/index.ts';
import { decodeEvents, type KernelEvent } from './events.ts';
import * as libc from './libc.ts';
import {
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV4_ROUTE,
  RTNLGRP_IPV6_IFADDR,
  RTNLGRP_IPV6_ROUTE,
  RTNLGRP_LINK,
} from './rtnetlink.ts';
import { NETLINK_ROUTE, NetlinkSocket } from './socket.ts';

const EFD_CLOEXEC = 0x80000;

const DEFAULT_UNREAD_LIMIT = 32 << 20;

export interface NotifyWorkerData {
  readonly socket: number;
  /** An eventfd: readable when the worker is to end. */
  readonly wake: number;
  /** One number: bytes handed over and not yet told. */
  readonly unread: Int32Array<SharedArrayBuffer>;
  readonly unreadLimit: number;
}

interface Batch {
  readonly datagrams: readonly Uint8Array[];
  readonly overrun: boolean;
}

export interface KernelEventsOptions {
  /** Routes change often on a host with BGP; leave them out where nobody looks. Default true. */
  readonly routes?: boolean;
  /** Route changes made by the socket with this port are not told. */
  readonly ownPort?: number;
  /** Gets the events of one wake-up, in their order. */
  /** Of the kernel's receive buffer. */
  readonly receiveBytes?: number;
  /** So many bytes the main thread may be behind; beyond it notifications are lost, and that is told. */
  readonly unreadLimit?: number;
  readonly onEvents: (events: readonly KernelEvent[]) => void;
  readonly onError: (error: CalicoError) => void;
}

/**
 * From construction on nothing is missed: construct it, then read the tables, then let the event loop run. An `overrun`
 * among the events says that the kernel dropped some.
 */
export class KernelEvents {
  readonly #socket: NetlinkSocket;
  readonly #wake: number;
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  readonly #stop = (): void => this.#signal();
  #closed = false;

  constructor(options: KernelEventsOptions) {
    const routes = options.routes === false ? [] : [RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE];
    this.#socket = new NetlinkSocket(NETLINK_ROUTE, {
      ...(options.receiveBytes ? { receiveBytes: options.receiveBytes } : {}),
      groups: [RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, ...routes],
    });
    this.#wake = libc.eventfd(0, EFD_CLOEXEC);
    const unread = new Int32Array(new SharedArrayBuffer(4));
    const unreadLimit = options.unreadLimit ?? DEFAULT_UNREAD_LIMIT;
    const workerData: NotifyWorkerData = { socket: this.#socket.fd, wake: this.#wake, unread, unreadLimit };
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    this.#worker = new Worker(new URL(`./notify-worker.${extension}`, import.meta.url), { workerData, execArgv: [] });
    this.#worker.on('message', ({ datagrams, overrun }: Batch) => {
      Atomics.sub(
        unread,
        0,
        datagrams.reduce((sum, d) => sum + d.length, 0),
      );
      Atomics.notify(unread, 0);
      if (this.#closed) return;
      const events: KernelEvent[] = overrun ? [{ type: 'overrun' }] : [];
      for (const datagram of datagrams)
        events.push(...decodeEvents(Buffer.from(datagram.buffer), options.ownPort ?? 0));
      if (events.length > 0) options.onEvents(events);
    });
    this.#worker.on('error', (cause) =>
      options.onError(new CalicoError('E_KERNEL', 'notifications', `the thread failed: ${String(cause)}`, { cause })),
    );
    this.#ended = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    // It must not keep the process alive, and a process that exits must not wait for a poll that never returns.
    this.#worker.unref();
    process.once('exit', this.#stop);
  }

  /** Nothing is told any more from here on. Resolves when the thread has ended. */
  async close(): Promise<void> {
    if (this.#closed) return this.#ended;
    this.#closed = true;
    this.#worker.ref();
    this.#signal();
    await this.#ended;
    process.removeListener('exit', this.#stop);
    libc.close(this.#wake);
    this.#socket.close();
  }

  #signal(): void {
    libc.write(this.#wake, new Uint8Array(new BigUint64Array([1n]).buffer), 8);
  }
}
