/** Sends probes between the lab's namespaces, many at once: a matrix takes about as long as one timeout. */
import { Client } from './client.ts';
import type { Probe, ProbeResult } from './probe.ts';
import { Servers } from './server.ts';
import { poll } from './sockets.ts';

const TIMEOUT = 1400; // ms without an answer: a drop
const RESEND = [300, 800];

export class Prober {
  private readonly servers = new Servers();
  private readonly held = new Map<string, Client>();
  private readonly namespaceOf: (name: string) => string;
  private nextId = 1;
  private nextPort = 20001;

  constructor(namespaceOf: (name: string) => string) {
    this.namespaceOf = namespaceOf;
  }

  serve(name: string, proto: string, family: 4 | 6, port: number): void {
    this.servers.serve(this.namespaceOf(name), proto, family, port);
  }

  /**
   * Sends every probe at once; those that stay unanswered are sent a second time, with more patience, unless that was
   * `expected`.
   */
  run(probes: readonly Probe[], expected: (result: ProbeResult) => boolean = () => false): ProbeResult[] {
    const results = this.once(probes, TIMEOUT);
    const again = [...results.keys()].filter((i) => {
      const result = results[i] as ProbeResult;
      const unanswered = result.verdict === 'drop' || result.verdict === 'oneway';
      return unanswered && result.sport === undefined && !expected(result);
    });
    const second = this.once(
      again.map((i) => probes[i] as Probe),
      2 * TIMEOUT,
    );
    again.forEach((index, i) => {
      const result = second[i] as ProbeResult;
      const first = results[index] as ProbeResult;
      if (result.verdict === 'allow' || result.verdict === 'reject' || first.verdict === 'drop')
        results[index] = result;
    });
    return results;
  }

  /** Opens a connection (or UDP flow) that later steps check. */
  hold(name: string, probe: Probe): void {
    const client = this.client(probe);
    this.drive([client], TIMEOUT);
    this.held.set(name, client);
  }

  /** Does data still go both ways over each held connection? */
  checkHeld(): Record<string, 'alive' | 'broken'> {
    const clients = [...this.held.values()];
    for (const client of clients) client.again();
    this.drive(clients, 2000);
    return Object.fromEntries(
      [...this.held].map(([name, client]) => [name, client.verdict === 'allow' ? 'alive' : 'broken']),
    );
  }

  close(): void {
    for (const client of this.held.values()) client.socket.close();
    this.servers.close();
  }

  private once(probes: readonly Probe[], timeout: number): ProbeResult[] {
    const clients = probes.map((probe) => this.client(probe));
    this.drive(clients, timeout);
    for (const client of clients) client.socket.close();
    return clients.map((client) => client.result());
  }

  private client(probe: Probe): Client {
    return new Client(probe, this.namespaceOf(probe.from), this.nextId++, this.nextPort++);
  }

  private drive(clients: readonly Client[], timeout: number): void {
    const started = performance.now();
    const resend = [...RESEND];
    const byFd = new Map(clients.map((client) => [client.socket.fd, client]));
    while (clients.some((client) => client.verdict === undefined)) {
      const elapsed = performance.now() - started;
      if (elapsed > timeout) break;
      if (elapsed > (resend[0] ?? Number.POSITIVE_INFINITY)) {
        resend.shift();
        for (const client of clients) client.send();
      }
      this.turn(byFd, 20);
    }
    for (let i = 0; i < 10; i++) this.turn(byFd, 5); // on a busy machine, what came in time may still have to be read
    for (const client of clients) client.finish(this.servers.seen);
  }

  private turn(clients: ReadonlyMap<number, Client>, milliseconds: number): void {
    const waiting = [...clients.values()].filter((client) => client.verdict === undefined);
    const ready = poll(
      [
        ...[...this.servers.sockets.keys()].map((fd) => ({ fd, writable: false })),
        ...waiting.map((client) => ({ fd: client.socket.fd, writable: client.connecting })),
      ],
      milliseconds,
    );
    for (const fd of ready) {
      this.servers.sockets.get(fd)?.onReadable();
      clients.get(fd)?.onReady();
    }
  }
}
