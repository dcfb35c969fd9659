/**
 * The thread that waits for the kernel's notifications, so that the main thread never does. It hands over the bytes as
 * they come; when the main thread lags too far behind it stops reading, and the kernel's overrun tells the rest.
 */
import { parentPort, workerData } from 'node:worker_threads';
import * as libc from './libc.ts';
import type { NotifyWorkerData } from './notify.ts';
import { receiveNow } from './socket.ts';

const POLLIN = 1;
const { socket, wake, unread, unreadLimit } = workerData as NotifyWorkerData;
const buffer = Buffer.alloc(64 * 1024);
/** At most so much is handed over at once. */
const BATCH_BYTES = 256 * 1024;

const fds = Buffer.alloc(16);
fds.writeInt32LE(socket, 0);
fds.writeInt32LE(wake, 8);

for (;;) {
  fds.writeUInt32LE(POLLIN, 4);
  fds.writeUInt32LE(POLLIN, 12);
  libc.poll(fds, 2, -1);
  if (fds.readUInt16LE(14) !== 0) break;
  forward();
  const waiting = Atomics.load(unread, 0);
  // The time limit is for a main thread that ends while this one waits.
  if (waiting > unreadLimit) Atomics.wait(unread, 0, waiting, 1000);
}
parentPort?.close();

function forward(): void {
  const datagrams: Uint8Array[] = [];
  let bytes = 0;
  let overrun = false;
  try {
    for (let next = receiveNow(socket, buffer); next; next = receiveNow(socket, buffer)) {
      datagrams.push(Uint8Array.from(next));
      bytes += next.length;
      if (bytes >= BATCH_BYTES) break;
    }
  } catch {
    overrun = true;
  }
  if (!overrun && datagrams.length === 0) return;
  Atomics.add(unread, 0, bytes);
  parentPort?.postMessage({ datagrams, overrun });
}
