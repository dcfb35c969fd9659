/**
 * What goes in and out of a machine made of one network namespace: frames on the other ends of its interfaces, which are all
 * in a second namespace without any address, and packets that its own sockets send and get.
 */
import koffi from 'koffi';
import { bytesOf, ICMP, ICMPV6, IPIP, type Ip, TCP, UDP } from '../../src/net/index.ts';
import { inNamespace } from '../scenario/sockets.ts';
import { isV6, numberIn, readPacket } from './frames.ts';

const libc = koffi.load('libc.so.6');
const c = {
  socket: libc.func('int socket(int domain, int type, int protocol)'),
  setsockopt: libc.func('int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t length)'),
  sendto: libc.func(
    'int64_t sendto(int fd, const uint8_t *data, size_t length, int flags, const uint8_t *to, uint32_t tolen)',
  ),
  recvfrom: libc.func(
    'int64_t recvfrom(int fd, _Out_ uint8_t *data, size_t length, int flags, _Out_ uint8_t *from, _Inout_ uint32_t *fromlen)',
  ),
  ifIndex: libc.func('uint32_t if_nametoindex(const char *name)'),
  close: libc.func('int close(int fd)'),
};

const [AF_INET, AF_INET6, AF_PACKET] = [2, 10, 17];
const [SOCK_RAW, SOCK_NONBLOCK] = [3, 0x800];
const IPPROTO_RAW = 255;
const ETH_P_ALL = 0x0300; // network order
const [SOL_SOCKET, SO_RCVBUFFORCE, SOL_PACKET, PACKET_IGNORE_OUTGOING] = [1, 33, 263, 23];
const RECEIVE_BYTES = 8 << 20;
const ETHERNET = 14;
const PROTOCOLS = [ICMP, ICMPV6, TCP, UDP, IPIP, 99];

/** A packet that came out: where, and with which addresses. */
export interface Sighting {
  readonly number: number;
  /** The interface; null: a socket of the machine itself got it. */
  readonly on: string | null;
  readonly source?: Ip;
  readonly destination?: Ip;
}

export class Wire {
  readonly #outer: number;
  readonly #inner: { readonly fd: number; readonly protocol: number; readonly v6: boolean }[] = [];
  readonly #senders: Readonly<Record<4 | 6, number>>;
  readonly #indexes = new Map<string, number>();
  readonly #names = new Map<number, string>();
  readonly #macs: ReadonlyMap<string, Buffer>;
  readonly #data = Buffer.alloc(4096);
  readonly #from = Buffer.alloc(28);

  /** The calling thread is in the machine's namespace. `macs`: of the machine's interfaces, whose other ends have the same names. */
  constructor(others: string, macs: ReadonlyMap<string, Buffer>) {
    this.#macs = macs;
    this.#outer = inNamespace(others, () => {
      for (const name of macs.keys()) {
        const index = c.ifIndex(name) as number;
        this.#indexes.set(name, index);
        this.#names.set(index, name);
      }
      return open(AF_PACKET, ETH_P_ALL);
    });
    option(this.#outer, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
    for (const v6 of [false, true])
      for (const protocol of PROTOCOLS) this.#inner.push({ fd: open(v6 ? AF_INET6 : AF_INET, protocol), protocol, v6 });
    this.#senders = { 4: open(AF_INET, IPPROTO_RAW), 6: open(AF_INET6, IPPROTO_RAW) };
  }

  close(): void {
    for (const fd of [this.#outer, this.#senders[4], this.#senders[6], ...this.#inner.map(({ fd }) => fd)]) c.close(fd);
  }

  /** By an interface of the machine, as its neighbour there sends it. */
  inject(name: string, packet: Buffer): void {
    const v6 = (packet[0] as number) >> 4 === 6;
    const ethernet = Buffer.concat([
      this.#macs.get(name) as Buffer,
      Buffer.from([2, 0, 0, 0, 0, 9]),
      Buffer.from(v6 ? [0x86, 0xdd] : [8, 0]),
    ]);
    const to = Buffer.alloc(20);
    to.writeUInt16LE(AF_PACKET, 0);
    to.writeInt32LE(this.#indexes.get(name) as number, 4);
    send(this.#outer, Buffer.concat([ethernet, packet]), to);
  }

  /** From the machine itself. What its own chains drop is no error. */
  emit(destination: Ip, packet: Buffer): void {
    const v6 = isV6(destination);
    const to = Buffer.alloc(v6 ? 28 : 16);
    to.writeUInt16LE(v6 ? AF_INET6 : AF_INET, 0);
    to.set(bytesOf(destination), v6 ? 8 : 4);
    send(this.#senders[v6 ? 6 : 4], packet, to, true);
  }

  /** Everything of ours that has come out since the last call. */
  take(): Sighting[] {
    const found: Sighting[] = [];
    for (let frame = this.#receive(this.#outer); frame; frame = this.#receive(this.#outer)) {
      const seen = readPacket(frame.subarray(ETHERNET));
      if (seen) found.push({ ...seen, on: this.#names.get(this.#from.readInt32LE(4)) ?? '?' });
    }
    for (const { fd, protocol, v6 } of this.#inner) {
      for (let packet = this.#receive(fd); packet; packet = this.#receive(fd)) {
        const number = numberIn(v6 ? packet : packet.subarray(20), protocol);
        if (number !== null) found.push({ number, on: null });
      }
    }
    return found;
  }

  #receive(fd: number): Buffer | null {
    const length = Number(c.recvfrom(fd, this.#data, this.#data.length, 0, this.#from, [28]));
    return length < 0 ? null : this.#data.subarray(0, length);
  }
}

function open(domain: number, protocol: number): number {
  const fd = c.socket(domain, SOCK_RAW | SOCK_NONBLOCK, protocol) as number;
  if (fd < 0) throw new Error(`socket: errno ${koffi.errno()}`);
  option(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BYTES);
  return fd;
}

function option(fd: number, level: number, name: number, value: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value, 0);
  if (c.setsockopt(fd, level, name, bytes, 4) < 0)
    throw new Error(`setsockopt ${level} ${name}: errno ${koffi.errno()}`);
}

function send(fd: number, data: Buffer, to: Buffer, mayBeDropped = false): void {
  const sent = Number(c.sendto(fd, data, data.length, 0, to, to.length));
  if (sent < 0 && !(mayBeDropped && koffi.errno() === koffi.os.errno.EPERM))
    throw new Error(`send: errno ${koffi.errno()}`);
}
