/** The thread of `Streams`: it is told what to send, and tells what has arrived when it is told to stop. */
import { parentPort, workerData } from 'node:worker_threads';
import { familyOf } from '../../src/net/index.ts';
import { type Carrier, decodeSegment, encodeSegment, PROTOCOL } from './segment.ts';
import { inNamespace, Socket, SocketError } from './sockets.ts';
import type { StreamResult, StreamSpec, StreamsStart } from './streams.ts';

const TICK = 5; // ms
/** ms until addresses have been resolved; what is sent before does not count. */
const WARM_UP = 1500;
const LAST_ONES = 400; // ms for packets under way
const EPERM = 1;
const FIRST_PORT = 20_000;
const PORTS = 40_000;

const { specs, rate } = workerData as StreamsStart;

class Sender {
  readonly spec: StreamSpec;
  readonly arrived = new Set<number>();
  readonly sentAt: number[] = [];
  readonly #socket: Socket;
  readonly #stream: number;

  constructor(spec: StreamSpec, stream: number) {
    this.spec = spec;
    this.#stream = stream;
    this.#socket = inNamespace(spec.from, () => {
      const socket = Socket.open({ raw: PROTOCOL[spec.proto] }, familyOf(spec.dst));
      socket.bind(spec.src, 0);
      return socket;
    });
  }

  /** Sends what is due `now` milliseconds after the start (negative: while it warms up). */
  send(now: number): void {
    while (this.sentAt.length < ((now + WARM_UP) / 1000) * rate) {
      const number = this.sentAt.length;
      this.sentAt.push(Math.round(now));
      // Streams between the same two addresses must not share a flow.
      const sourcePort = FIRST_PORT + ((number * specs.length + this.#stream) % PORTS);
      this.#send(encodeSegment({ ...this.spec, stream: this.#stream, number, sourcePort }));
    }
  }

  #send(segment: Buffer): void {
    try {
      this.#socket.sendTo(segment, this.spec.dst, 0);
    } catch (error) {
      // Dropped on its way out.
      if (!(error instanceof SocketError && error.code === EPERM)) throw error;
    }
  }

  result(): StreamResult {
    const at = (wanted: boolean) => this.sentAt.filter((at, number) => at >= 0 && this.arrived.has(number) === wanted);
    return { name: this.spec.name, arrivedAt: at(true), lostAt: at(false) };
  }
}

const receivers = new Map<string, { socket: Socket; proto: Carrier }>();
for (const { at, proto, dst } of specs) {
  const key = `${at} ${proto} ${familyOf(dst)}`;
  if (receivers.has(key)) continue;
  const socket = inNamespace(at, () => Socket.open({ raw: PROTOCOL[proto] }, familyOf(dst)));
  socket.enlargeBuffer();
  receivers.set(key, { socket, proto });
}
const senders = specs.map((spec, i) => new Sender(spec, i));

function receive(): void {
  for (const { socket, proto } of receivers.values())
    for (let message = socket.receive(); message; message = socket.receive()) {
      const segment = decodeSegment(proto, message.data);
      if (segment) senders[segment.stream]?.arrived.add(segment.number);
    }
}

const started = performance.now() + WARM_UP;
const timer = setInterval(() => {
  for (const sender of senders) sender.send(performance.now() - started);
  receive();
}, TICK);

parentPort?.once('message', () => {
  clearInterval(timer);
  setTimeout(() => {
    receive();
    parentPort?.postMessage(senders.map((sender) => sender.result()));
  }, LAST_ONES);
});
setTimeout(() => parentPort?.postMessage('under way'), WARM_UP);
