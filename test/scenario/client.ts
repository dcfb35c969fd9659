/** One probe under way: sends, waits for its answer, and says what became of it. */
import type { Ip } from '../../src/net/index.ts';
import type { Probe, ProbeResult, Verdict } from './probe.ts';
import { transportOf } from './server.ts';
import { inNamespace, Socket, SocketError } from './sockets.ts';

const ECONNREFUSED = 111;
const ECONNRESET = 104;

export class Client {
  readonly probe: Probe;
  readonly socket: Socket;
  verdict: Verdict | undefined;
  /** A TCP client waits to be writable until it is connected. */
  connecting = false;
  private source: string | undefined;
  private connected = false;
  private readonly id: number;
  private readonly token: Buffer;
  private readonly broadcast: boolean;

  constructor(probe: Probe, namespace: string, id: number, sourcePort: number) {
    this.probe = probe;
    this.id = id;
    this.token = Buffer.from(`probe ${String(id).padStart(8, '0')}`);
    this.broadcast = probe.dst === '255.255.255.255' || probe.dst.startsWith('ff02:');
    this.socket = inNamespace(namespace, () => {
      const socket = Socket.open(transportOf(probe.proto, probe.ip), probe.ip);
      const ports = probe.proto === 'tcp' || probe.proto === 'udp';
      if (ports || probe.src) socket.bind(probe.src ?? null, ports ? (probe.sport ?? sourcePort) : 0);
      if (this.broadcast) socket.allowBroadcast('eth0');
      return socket;
    });
    this.attempt(() => this.start());
  }

  /** Sends the request of a datagram probe (again). */
  send(): void {
    if (this.verdict !== undefined || this.probe.proto === 'tcp') return;
    const data = this.probe.proto === 'icmp' ? this.icmp() : this.token;
    this.attempt(() => {
      if (this.broadcast) this.socket.sendTo(data, this.probe.dst, this.probe.port ?? 0);
      else this.socket.send(data);
    });
  }

  onReady(): void {
    if (this.verdict !== undefined) return;
    this.attempt(() => (this.connecting ? this.onConnected() : this.onMessage()));
  }

  /** Once more over a held connection. */
  again(): void {
    if (this.verdict === undefined || (this.probe.proto === 'tcp' && !this.connected)) return;
    this.verdict = undefined;
    if (this.probe.proto === 'tcp') this.attempt(() => this.socket.send(this.token));
    else this.send();
  }

  /** No more waiting. `seen` tells what datagram servers have seen. */
  finish(seen: ReadonlyMap<string, Ip>): void {
    if (this.verdict !== undefined) return;
    this.source = seen.get(this.token.toString());
    this.verdict = this.source ? 'oneway' : 'drop';
  }

  result(): ProbeResult {
    const { verdict = 'drop', source, probe } = this;
    return source ? { ...probe, verdict, source: source.replace(/^::ffff:/, '') } : { ...probe, verdict };
  }

  private start(): void {
    if (this.probe.proto === 'tcp') {
      this.socket.retransmitOften();
      this.connecting = true;
      this.socket.connect(this.probe.dst, this.probe.port ?? 0);
      return;
    }
    if (!this.broadcast) this.socket.connect(this.probe.dst, this.probe.port ?? 0);
    this.send();
  }

  private onConnected(): void {
    const error = this.socket.pendingError();
    if (error !== 0) throw new SocketError('connect', error);
    this.connecting = false;
    this.connected = true;
    this.socket.send(this.token);
  }

  private onMessage(): void {
    const message = this.socket.receive();
    if (!message) return;
    const { data } = message;
    if (this.probe.proto === 'tcp') {
      this.verdict = data.length > 0 ? 'allow' : 'reject';
      if (data.length > 0) this.source = data.toString();
    } else if (this.probe.proto === 'icmp') {
      const answer = { 8: 0, 13: 14, 128: 129 }[this.icmpType()];
      if (data.length >= 6 && data[0] === answer && data.readUInt16BE(4) === (this.id & 0xffff)) this.verdict = 'allow';
    } else {
      const text = data.toString();
      const expected = this.token.toString().replace('probe', 'reply');
      if (!text.startsWith(expected)) return;
      this.verdict = 'allow';
      this.source = text.slice(expected.length + 1);
    }
  }

  private attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      this.verdict = error.code === ECONNREFUSED || error.code === ECONNRESET ? 'reject' : 'drop';
    }
  }

  private icmpType(): number {
    return this.probe.type ?? (this.probe.ip === 6 ? 128 : 8);
  }

  private icmp(): Buffer {
    const out = Buffer.alloc(24);
    out.writeUInt8(this.icmpType(), 0);
    out.writeUInt8(this.probe.code ?? 0, 1);
    out.writeUInt16BE(this.id & 0xffff, 4);
    out.writeUInt16BE(1, 6);
    out.set(this.token, 8);
    out.writeUInt16BE(internetChecksum(out), 2); // (IPv6: the kernel fills it in)
    return out;
  }
}

function internetChecksum(data: Buffer): number {
  let sum = 0;
  for (let i = 0; i < data.length; i += 2) sum += data.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
