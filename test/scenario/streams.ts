/**
 * Steady one-way streams of packets, sent and counted by a thread of their own, so that nothing that a test does makes a
 * gap in them. Every packet is the first of its flow and has a number: those that did not arrive are known.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Ip } from '../../src/net/index.ts';
import type { Carrier } from './segment.ts';

export interface StreamSpec {
  readonly name: string;
  /** Namespace that sends. */
  readonly from: string;
  /** Namespace that receives. */
  readonly at: string;
  readonly proto: Carrier;
  readonly src: Ip;
  /** What is sent to; another address may arrive. */
  readonly dst: Ip;
  readonly port: number;
}

export interface StreamResult {
  readonly name: string;
  /** Milliseconds from the start: when those that arrived were sent. */
  readonly arrivedAt: readonly number[];
  /** When those that did not arrive were. */
  readonly lostAt: readonly number[];
}

export interface StreamsStart {
  readonly specs: readonly StreamSpec[];
  /** Packets a second, of each. */
  readonly rate: number;
}

export class Streams {
  readonly #worker: Worker;
  /** Rejects when packets could not be sent. */
  readonly #results: Promise<StreamResult[]>;

  private constructor(worker: Worker) {
    this.#worker = worker;
    this.#results = new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    this.#results.catch(() => {}); // told by `stop`
  }

  /** Resolves when packets are under way and addresses have been resolved. */
  static async start(specs: readonly StreamSpec[], rate: number): Promise<Streams> {
    const workerData: StreamsStart = { specs, rate };
    const worker = new Worker(new URL('./streams-worker.ts', import.meta.url), { workerData });
    await once(worker, 'message');
    return new Streams(worker);
  }

  /** Stops sending and waits for what is under way. Rejects when packets could not be sent. */
  async stop(): Promise<StreamResult[]> {
    this.#worker.postMessage('stop');
    const results = await this.#results;
    await this.#worker.terminate();
    return results;
  }
}

/** The first `allowed` streams are to arrive, the others not. `sent`: of the stream that sent least. */
export function judge(results: readonly StreamResult[], allowed: number): { sent: number; wrong: string[] } {
  const sentBy = ({ arrivedAt, lostAt }: StreamResult) => arrivedAt.length + lostAt.length;
  const wrong = results.flatMap((result, i) => {
    const [what, at] = i < allowed ? ['lost', result.lostAt] : ['delivered', result.arrivedAt];
    const when = `at ${at.slice(0, 10).join(' ')} … ${at.at(-1)} ms`;
    return at.length > 0 ? [`${result.name}: ${at.length} of ${sentBy(result)} ${what}, ${when}`] : [];
  });
  return { sent: Math.min(...results.map(sentBy)), wrong };
}
