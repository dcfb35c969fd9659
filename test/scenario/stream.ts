/**
 * A steady one-way UDP flow. No answer ever makes it ESTABLISHED, so every packet meets policy; each has a number, so
 * that the packets that did not arrive are known.
 */
import type { Ip } from '../../src/net/index.ts';
import { inNamespace, Socket } from './sockets.ts';

export class Stream {
  sent = 0;
  readonly arrived = new Set<number>();
  private readonly sender: Socket;
  private readonly receiver: Socket;
  private readonly timer: NodeJS.Timeout;

  /** Sends `rate` packets a second from one namespace to an address of another, until stopped. */
  constructor(from: string, to: string, address: Ip, port: number, rate: number) {
    const family = address.includes(':') ? 6 : 4;
    this.receiver = inNamespace(to, () => {
      const socket = Socket.open('udp', family);
      socket.bind(address, port);
      return socket;
    });
    this.sender = inNamespace(from, () => Socket.open('udp', family));
    this.timer = setInterval(() => {
      this.read();
      const number = Buffer.alloc(4);
      number.writeUInt32LE(this.sent++);
      this.sender.sendTo(number, address, port);
    }, 1000 / rate);
  }

  /** Stops, waits for what is under way, and returns the numbers of the packets that are missing. */
  async stop(): Promise<number[]> {
    clearInterval(this.timer);
    await new Promise((done) => setTimeout(done, 300));
    this.read();
    this.sender.close();
    this.receiver.close();
    return [...Array(this.sent).keys()].filter((number) => !this.arrived.has(number));
  }

  private read(): void {
    for (let message = this.receiver.receive(); message; message = this.receiver.receive())
      this.arrived.add(message.data.readUInt32LE(0));
  }
}
