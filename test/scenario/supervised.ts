import { type ChildProcess, spawn } from 'node:child_process';
import { openSync } from 'node:fs';

/** A program in a namespace with a /run of its own; started again when it ends by itself, as runit or systemd does. */
export class Supervised {
  wanted = false;
  private child: ChildProcess | undefined;
  private readonly namespace: string;
  private readonly command: string;
  private readonly env: Record<string, string>;
  private readonly log: string;

  constructor(namespace: string, command: string, env: Record<string, string>, log: string) {
    this.namespace = namespace;
    this.command = command;
    this.env = env;
    this.log = log;
  }

  start(): void {
    this.wanted = true;
    const script = `mount -t tmpfs none /run && mkdir -p /run/calico && exec ${this.command}`;
    const out = openSync(this.log, 'a');
    const child = spawn(
      'ip',
      ['netns', 'exec', this.namespace, 'unshare', '-m', '--propagation', 'private', 'sh', '-c', script],
      {
        env: { ...process.env, ...this.env },
        stdio: ['ignore', out, out],
      },
    );
    this.child = child;
    child.once('exit', () => setTimeout(() => this.wanted && this.child === child && this.start(), 500));
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  async stop(): Promise<void> {
    this.wanted = false;
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(timer);
  }
}
