/**
 * Answers requests in the lab's namespaces: the answer is the source address that the server saw.
 *
 * Datagram servers have one socket for each address of their namespace, so that an answer leaves from the address that
 * was asked, and one for broadcast and multicast.
 */
import { execFileSync } from 'node:child_process';
import type { Ip } from '../../src/net/index.ts';
import { inNamespace, Socket, type Transport } from './sockets.ts';

const ALL_DHCP6 = 'ff02::1:2' as Ip;

export function transportOf(proto: string, family: 4 | 6): Transport {
  if (proto === 'tcp' || proto === 'udp') return proto;
  return { raw: proto === 'icmp' ? (family === 4 ? 1 : 58) : Number(proto.slice(2)) };
}

export class Servers {
  /** Requests (by their token) that a datagram server has seen, with the source it saw. */
  readonly seen = new Map<string, Ip>();
  readonly sockets = new Map<number, { socket: Socket; onReadable: () => void }>();
  private readonly byKey = new Map<string, Socket>();

  /** Serves a port in a namespace, on every address it has now (call again after addresses have changed). */
  serve(namespace: string, proto: string, family: 4 | 6, port: number): void {
    if (proto === 'icmp') return; // the kernel answers
    if (proto === 'tcp') {
      this.once(
        `${namespace} tcp ${family} ${port}`,
        namespace,
        (socket) => this.acceptOn(socket),
        proto,
        family,
        null,
        port,
      );
      return;
    }
    const { addresses, interfaces } = addressesIn(namespace, family);
    for (const address of [...addresses, ...(proto === 'udp' ? [null] : [])]) {
      const key = `${namespace} ${proto} ${port} ${address ?? `any${family}`}`;
      this.once(key, namespace, (socket) => this.answerOn(socket), proto, family, address, port);
    }
    if (family === 6 && port === 547) this.joinDhcp(`${namespace} udp ${port} any6`, namespace, interfaces);
  }

  close(): void {
    for (const { socket } of this.sockets.values()) socket.close();
    this.sockets.clear();
  }

  private once(
    key: string,
    namespace: string,
    start: (socket: Socket) => () => void,
    proto: string,
    family: 4 | 6,
    address: Ip | null,
    port: number,
  ): void {
    if (this.byKey.has(key)) return;
    const socket = inNamespace(namespace, () => {
      const made = Socket.open(transportOf(proto, family), family);
      made.bind(address, port);
      if (proto === 'tcp') made.listen();
      return made;
    });
    this.byKey.set(key, socket);
    this.sockets.set(socket.fd, { socket, onReadable: start(socket) });
  }

  private joinDhcp(key: string, namespace: string, interfaces: readonly string[]): void {
    const socket = this.byKey.get(key);
    if (socket) inNamespace(namespace, () => interfaces.forEach((name) => void socket.join(ALL_DHCP6, name)));
  }

  private acceptOn(listener: Socket): () => void {
    return () => {
      const accepted = listener.accept();
      if (!accepted) return;
      const { socket, peer } = accepted;
      socket.retransmitOften();
      this.sockets.set(socket.fd, { socket, onReadable: () => this.echo(socket, peer) });
    };
  }

  private echo(socket: Socket, peer: Ip): void {
    try {
      const message = socket.receive();
      if (!message) return;
      if (message.data.length > 0) {
        socket.send(Buffer.from(peer));
        return;
      }
    } catch {
      // reset by the client: it has its answer
    }
    this.sockets.delete(socket.fd);
    socket.close();
  }

  private answerOn(socket: Socket): () => void {
    return () => {
      try {
        const message = socket.receive();
        const text = message?.data.toString() ?? '';
        if (!message || !text.startsWith('probe')) return;
        this.seen.set(text, message.from);
        socket.answer(message, Buffer.from(`${text.replace('probe', 'reply')} ${message.from}`));
      } catch {
        // an ICMP error for an earlier answer
      }
    };
  }
}

function addressesIn(namespace: string, family: 4 | 6): { addresses: Ip[]; interfaces: string[] } {
  const links = JSON.parse(execFileSync('ip', ['-n', namespace, '-j', 'addr'], { encoding: 'utf8' })) as {
    ifname: string;
    addr_info: { family: string; local: Ip; scope: string }[];
  }[];
  const wanted = family === 4 ? 'inet' : 'inet6';
  return {
    interfaces: links.map((link) => link.ifname),
    addresses: links
      .flatMap((link) => link.addr_info)
      .filter((a) => a.family === wanted && (family === 4 || a.scope !== 'link'))
      .map((a) => a.local),
  };
}
