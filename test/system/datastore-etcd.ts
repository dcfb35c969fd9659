/** An etcd of the test's own, on loopback. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EtcdStore } from '../../src/datastore/etcd/store.ts';

export class Etcd {
  readonly directory = mkdtempSync(join(tmpdir(), 'calico-etcd-'));
  readonly #scheme: string;
  readonly #arguments: string[];
  #port = 0;
  #process: ChildProcess | null = null;

  /** `args`: more of etcd's own, e.g. certificates; `scheme` of its clients. */
  constructor(args: string[] = [], scheme = 'http') {
    this.#arguments = args;
    this.#scheme = scheme;
  }

  get endpoint(): string {
    return `${this.#scheme}://127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Starts it, on the same port and data as before. */
  async start(): Promise<void> {
    this.#port ||= await freePort();
    const peer = `http://127.0.0.1:${await freePort()}`;
    const log = openSync(join(this.directory, 'log'), 'a');
    this.#process = spawn(
      'etcd',
      [
        ...['--data-dir', join(this.directory, 'data'), '--unsafe-no-fsync'],
        ...['--listen-client-urls', this.endpoint, '--advertise-client-urls', this.endpoint],
        ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`],
        ...this.#arguments,
      ],
      { stdio: ['ignore', log, log] },
    );
  }

  /** SIGKILL, as a crash would. */
  async stop(): Promise<void> {
    const child = this.#process;
    if (!child) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    this.#process = null;
  }

  /** Stops it and forgets everything it held. */
  async wipe(): Promise<void> {
    await this.stop();
    rmSync(join(this.directory, 'data'), { recursive: true });
  }

  /** Keeps what it holds now, for `restore`. */
  save(): void {
    this.ctl('snapshot', 'save', join(this.directory, 'snapshot'));
  }

  /** What was saved takes the place of what it holds, as `etcdctl snapshot restore` does it; it is stopped afterwards. */
  async restore(): Promise<void> {
    await this.wipe();
    this.ctl('snapshot', 'restore', join(this.directory, 'snapshot'), '--data-dir', join(this.directory, 'data'));
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true });
  }

  ctl(...args: string[]): string {
    const env = { ...process.env, ETCDCTL_API: '3' };
    return execFileSync('etcdctl', ['--endpoints', this.endpoint, ...args], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}

/** Waits until it answers. */
export async function ready(
  etcd: Etcd,
  open: () => EtcdStore = () => new EtcdStore({ endpoints: [etcd.endpoint] }),
): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const store = open();
    try {
      await store.get('/');
      return;
    } catch (error) {
      if (attempt === 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      await store.close();
    }
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
