/**
 * Runs in one namespace of the lab: connects to the targets, many at the same time, and says which were reached.
 * Standard input: a Request. Standard output: an array of booleans, in the order of the targets.
 */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Target {
  readonly address: string;
  readonly port: number;
}

export interface Request {
  readonly targets: readonly Target[];
  /** Until an attempt counts as failed. */
  readonly timeoutMs: number;
  /** Try again until the target is reached (`true`), or until it is not (`false`) … */
  readonly until?: boolean;
  /** … or this time is over. */
  readonly patienceMs?: number;
}

async function settled(target: Target, { timeoutMs, until, patienceMs = 0 }: Request): Promise<boolean> {
  const end = Date.now() + patienceMs;
  for (;;) {
    const began = Date.now();
    const reached = await reaches(target, timeoutMs);
    if (until === undefined || reached === until || Date.now() >= end) return reached;
    // A refusal comes at once: no reason to ask without end.
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, 50 - (Date.now() - began))));
  }
}

function reaches({ address, port }: Target, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const finish = (reached: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(reached);
    };
    const timer = setTimeout(() => finish(false), timeoutMs);
    socket.on('connect', () => finish(true));
    socket.on('error', () => finish(false));
  });
}

/** More at once would find the servers' queues full. */
const AT_ONCE = 100;

async function all(request: Request): Promise<boolean[]> {
  const results: boolean[] = [];
  let next = 0;
  const work = async () => {
    for (let index = next++; index < request.targets.length; index = next++) {
      results[index] = await settled(request.targets[index] as Target, request);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}

const request = JSON.parse(await text(process.stdin)) as Request;
process.stdout.write(JSON.stringify(await all(request)));
