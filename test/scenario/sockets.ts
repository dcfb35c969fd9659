/**
 * Sockets in many network namespaces, driven from one thread.
 *
 * A socket stays in the namespace it was made in, so one poll loop can serve and probe every namespace of a lab. Only
 * tests do this: entering a namespace is synchronous and undone before anything else runs (Felix itself never does).
 */
import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';
import { bytesOf, familyOf, formatIp, type Ip } from '../../src/net/index.ts';

const libc = koffi.load('libc.so.6');
const setns = libc.func('int setns(int fd, int type)');
const c = {
  socket: libc.func('int socket(int domain, int type, int protocol)'),
  bind: libc.func('int bind(int fd, const uint8_t *address, uint32_t length)'),
  connect: libc.func('int connect(int fd, const uint8_t *address, uint32_t length)'),
  listen: libc.func('int listen(int fd, int backlog)'),
  accept: libc.func('int accept4(int fd, _Out_ uint8_t *address, _Inout_ uint32_t *length, int flags)'),
  send: libc.func('int64_t send(int fd, const uint8_t *data, size_t length, int flags)'),
  sendto: libc.func(
    'int64_t sendto(int fd, const uint8_t *data, size_t length, int flags, const uint8_t *to, uint32_t tolen)',
  ),
  recvfrom: libc.func(
    'int64_t recvfrom(int fd, _Out_ uint8_t *data, size_t length, int flags, _Out_ uint8_t *from, _Inout_ uint32_t *fromlen)',
  ),
  setsockopt: libc.func('int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t length)'),
  getsockopt: libc.func('int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *length)'),
  poll: libc.func('int poll(_Inout_ uint8_t *fds, unsigned long count, int timeout)'),
  ifIndex: libc.func('uint32_t if_nametoindex(const char *name)'),
};

const CLONE_NEWNET = 0x40000000;
const [AF_INET, AF_INET6] = [2, 10];
const [SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_NONBLOCK] = [1, 2, 3, 0x800];
const [SOL_SOCKET, SO_REUSEADDR, SO_ERROR, SO_BROADCAST, SO_LINGER, SO_RCVBUFFORCE] = [1, 2, 4, 6, 13, 33];
const [IPPROTO_TCP, IPPROTO_IPV6] = [6, 41];
const [IPV6_MULTICAST_IF, IPV6_JOIN_GROUP, IPV6_V6ONLY, TCP_RTO_MAX_MS] = [17, 20, 26, 44];
const POLLIN = 1;
const POLLOUT = 4;

/** Error of a system call; `code` is the errno. */
export class SocketError extends Error {
  readonly code: number;
  constructor(what: string, code: number) {
    super(`${what}: errno ${code}`);
    this.code = code;
  }
}

/** Runs `body` in the named network namespace. It must be synchronous. */
export function inNamespace<T>(name: string, body: () => T): T {
  const home = openSync('/proc/thread-self/ns/net', 'r');
  const there = openSync(`/run/netns/${name}`, 'r');
  try {
    check('setns', setns(there, CLONE_NEWNET));
    return body();
  } finally {
    setns(home, CLONE_NEWNET);
    closeSync(home);
    closeSync(there);
  }
}

export type Transport = 'tcp' | 'udp' | { readonly raw: number };

export interface Message {
  readonly data: Buffer;
  readonly from: Ip;
  /** The sender as the kernel gave it: a link-local address needs the interface that only this knows. */
  readonly peer: Buffer;
}

export class Socket {
  readonly fd: number;
  readonly transport: Transport;
  readonly family: 4 | 6;

  private constructor(fd: number, transport: Transport, family: 4 | 6) {
    this.fd = fd;
    this.transport = transport;
    this.family = family;
  }

  /** A non-blocking socket in the namespace that the calling thread is in. */
  static open(transport: Transport, family: 4 | 6): Socket {
    const type = transport === 'tcp' ? SOCK_STREAM : transport === 'udp' ? SOCK_DGRAM : SOCK_RAW;
    const protocol = typeof transport === 'object' ? transport.raw : 0;
    const fd = check('socket', c.socket(family === 4 ? AF_INET : AF_INET6, type | SOCK_NONBLOCK, protocol));
    const socket = new Socket(fd, transport, family);
    socket.option(SOL_SOCKET, SO_REUSEADDR, 1);
    if (family === 6 && typeof transport !== 'object') socket.option(IPPROTO_IPV6, IPV6_V6ONLY, 1);
    return socket;
  }

  bind(address: Ip | null, port: number): void {
    check('bind', c.bind(this.fd, ...sockaddr(address ?? anyAddress(this.family), port)));
  }

  listen(): void {
    check('listen', c.listen(this.fd, 512));
  }

  accept(): { socket: Socket; peer: Ip } | null {
    const from = Buffer.alloc(28);
    const fd = c.accept(this.fd, from, [28], SOCK_NONBLOCK) as number;
    return fd < 0 ? null : { socket: new Socket(fd, 'tcp', this.family), peer: addressIn(from) };
  }

  /** Throws unless the connection is made or under way. */
  connect(address: Ip, port: number): void {
    if (c.connect(this.fd, ...sockaddr(address, port)) < 0 && koffi.errno() !== koffi.os.errno.EINPROGRESS)
      throw new SocketError('connect', koffi.errno());
  }

  send(data: Buffer): void {
    if (c.send(this.fd, data, data.length, 0x4000) < 0 && koffi.errno() !== koffi.os.errno.EAGAIN)
      throw new SocketError('send', koffi.errno());
  }

  sendTo(data: Buffer, address: Ip, port: number): void {
    this.#sendTo(data, ...sockaddr(address, port));
  }

  /** Answers who sent the message. */
  answer({ peer }: Message, data: Buffer): void {
    this.#sendTo(data, peer, this.family === 4 ? 16 : 28);
  }

  #sendTo(data: Buffer, to: Buffer, length: number): void {
    const sent = c.sendto(this.fd, data, data.length, 0x4000, to, length) as number;
    if (sent < 0 && koffi.errno() !== koffi.os.errno.EAGAIN) throw new SocketError('sendto', koffi.errno());
  }

  /** The next message (without its IPv4 header, if raw), null when there is none yet. Throws a pending error. */
  receive(): Message | null {
    const data = Buffer.alloc(4096);
    const from = Buffer.alloc(28);
    const length = Number(c.recvfrom(this.fd, data, data.length, 0, from, [28]));
    if (length < 0) {
      if (koffi.errno() === koffi.os.errno.EAGAIN) return null;
      throw new SocketError('recv', koffi.errno());
    }
    const header = typeof this.transport === 'object' && this.family === 4 ? ((data[0] as number) & 15) * 4 : 0;
    const known = this.transport !== 'tcp';
    return {
      data: data.subarray(header, length),
      from: known ? addressIn(from) : ('' as Ip),
      peer: from,
    };
  }

  pendingError(): number {
    const value = Buffer.alloc(4);
    c.getsockopt(this.fd, SOL_SOCKET, SO_ERROR, value, [4]);
    return value.readInt32LE(0);
  }

  /** Lets a held connection that was blocked recover within a second (Linux 6.15; earlier kernels refuse, harmlessly). */
  retransmitOften(): void {
    this.tryOption(IPPROTO_TCP, TCP_RTO_MAX_MS, 1000);
  }

  /** Keeps what arrives while nobody reads. */
  enlargeBuffer(): void {
    this.option(SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20);
  }

  allowBroadcast(interfaceName: string): void {
    this.option(SOL_SOCKET, SO_BROADCAST, 1);
    if (this.family === 6) this.option(IPPROTO_IPV6, IPV6_MULTICAST_IF, c.ifIndex(interfaceName) as number);
  }

  /** Joins a link-local multicast group on an interface of the current namespace. */
  join(group: Ip, interfaceName: string): void {
    const request = Buffer.alloc(20);
    request.set(bytesOf(group));
    request.writeUInt32LE(c.ifIndex(interfaceName) as number, 16);
    c.setsockopt(this.fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, request, 20);
  }

  /** TCP is reset, so that no TIME_WAIT is left behind. */
  close(): void {
    if (this.transport === 'tcp') {
      const linger = Buffer.alloc(8);
      linger.writeInt32LE(1, 0);
      c.setsockopt(this.fd, SOL_SOCKET, SO_LINGER, linger, 8);
    }
    closeSync(this.fd);
  }

  private option(level: number, name: number, value: number): void {
    check('setsockopt', this.tryOption(level, name, value));
  }

  private tryOption(level: number, name: number, value: number): number {
    const buffer = Buffer.alloc(4);
    buffer.writeInt32LE(value, 0);
    return c.setsockopt(this.fd, level, name, buffer, 4) as number;
  }
}

/** Waits until one of the sockets has something (or `milliseconds` are over); returns those that have. */
export function poll(sockets: readonly { fd: number; writable: boolean }[], milliseconds: number): Set<number> {
  const fds = Buffer.alloc(8 * sockets.length);
  sockets.forEach(({ fd, writable }, i) => {
    fds.writeInt32LE(fd, 8 * i);
    fds.writeInt16LE(writable ? POLLOUT : POLLIN, 8 * i + 4);
  });
  c.poll(fds, sockets.length, milliseconds);
  return new Set(sockets.filter((_, i) => fds.readInt16LE(8 * i + 6) !== 0).map(({ fd }) => fd));
}

function check(what: string, result: number): number {
  if (result < 0) throw new SocketError(what, koffi.errno());
  return result;
}

function anyAddress(family: 4 | 6): Ip {
  return (family === 4 ? '0.0.0.0' : '::') as Ip;
}

function sockaddr(address: Ip, port: number): [Buffer, number] {
  const v4 = familyOf(address) === 4;
  const out = Buffer.alloc(v4 ? 16 : 28);
  out.writeUInt16LE(v4 ? AF_INET : AF_INET6, 0);
  out.writeUInt16BE(port, 2);
  out.set(bytesOf(address), v4 ? 4 : 8);
  return [out, out.length];
}

function addressIn(sockaddr: Buffer): Ip {
  return formatIp(sockaddr.readUInt16LE(0) === AF_INET ? sockaddr.subarray(4, 8) : sockaddr.subarray(8, 24));
}
