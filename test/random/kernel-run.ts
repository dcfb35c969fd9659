/** Random packets through a real kernel, a batch for each random cluster: what becomes of each, and what should. */
import fc from 'fast-check';
import { hasPorts, type Ip } from '../../src/net/index.ts';
import { lowerRuleset, type Ruleset } from '../../src/rules/index.ts';
import { type Fate, fate } from '../naive/host.ts';
import type { Arrival } from '../naive/resources.ts';
import { type HostCase, hostCases } from './arrivals.ts';
import { FLOATING, SEED } from './clusters.ts';
import { Coverage, metBy } from './coverage.ts';
import { ipPacket } from './frames.ts';
import type { KernelHost } from './kernel-host.ts';
import { OneHost } from './one-host.ts';
import type { Wire } from './wire.ts';

/** ms until a packet is taken for lost; and how long others may still come when all that should have have. */
const LOST = 1000;
const LATE = 20;
const FIRST_FREE_PORT = 30_000;
/** So many random packets for each that is sent. */
const CHOICE = 16;

export interface RunOptions {
  readonly clusters: number;
  readonly packets: number;
  readonly seed?: number;
}

export interface RunResult {
  readonly packets: number;
  readonly coverage: Coverage;
  /** What kernel, evaluator and naive reading do not agree about: one line a packet. */
  readonly differing: readonly string[];
}

const lowered = (ruleset: Ruleset) => lowerRuleset(ruleset);

export async function run(kernel: KernelHost, { clusters, packets, seed = SEED }: RunOptions): Promise<RunResult> {
  const coverage = new Coverage();
  const differing: string[] = [];
  let sent = 0;
  const cases = fc.sample(hostCases(CHOICE * packets), { numRuns: clusters, seed });
  // Felix starts anew for another action towards the host: seldom, and once in a while all the same.
  const inTurn = cases.map((one, i) => ({ ...one, machine: (cases[10 * Math.floor(i / 10)] as HostCase).machine }));
  for (const [index, { resources, machine, packets: many }] of inTurn.entries()) {
    await kernel.become(machine, resources);
    const host = new OneHost(machine, resources);
    const batch = rare(apart(many), packets, coverage, (packet) => {
      return metBy(resources, packet, host.trace(packet), host.fate(packet));
    });
    sent += batch.length;
    const naive = batch.map((packet) => fate(resources, machine, packet));
    const seen = await observe(kernel, batch, naive);
    for (const [i, packet] of batch.entries()) {
      const fates = {
        kernel: seen[i],
        naive: naive[i],
        compiled: host.fate(packet),
        lowered: host.fate(packet, lowered),
      };
      if (new Set(Object.values(fates)).size > 1)
        differing.push(`cluster ${index}: ${JSON.stringify(packet)}: ${JSON.stringify(fates)}`);
    }
  }
  return { packets: sent, coverage, differing };
}

/** So many of the packets, and those that meet what has been met least. */
function rare(
  packets: readonly Arrival[],
  count: number,
  coverage: Coverage,
  meets: (packet: Arrival) => Set<string>,
): Arrival[] {
  const left = new Map(packets.map((packet) => [packet, meets(packet)]));
  return Array.from({ length: Math.min(count, left.size) }, () => {
    const [[packet, met]] = [...left].toSorted(([, a], [, b]) => coverage.rarest(a) - coverage.rarest(b)) as [
      [Arrival, Set<string>],
    ];
    coverage.count(met);
    left.delete(packet);
    return packet;
  });
}

/**
 * What differs from what is expected is tried once more by itself, without what the kernel knows of connections: on a busy
 * machine it may take a packet of the cluster before only when this one is in force, and decide this one's by it.
 */
async function observe(kernel: KernelHost, batch: readonly Arrival[], expected: readonly Fate[]): Promise<Fate[]> {
  const seen = await sendAll(kernel.wire, batch, expected);
  for (const [i, packet] of batch.entries()) {
    if (seen[i] === expected[i]) continue;
    kernel.forgetConnections();
    seen[i] = (await sendAll(kernel.wire, [packet], [expected[i] as Fate]))[0] as Fate;
  }
  return seen;
}

let nextNumber = 1;

async function sendAll(wire: Wire, batch: readonly Arrival[], expected: readonly Fate[]): Promise<Fate[]> {
  const first = nextNumber;
  nextNumber += batch.length;
  wire.take();
  for (const [i, packet] of batch.entries()) {
    const bytes = ipPacket(packet, first + i);
    if (packet.by === null) wire.emit(packet.destination as Ip, bytes);
    else wire.inject(packet.by, bytes);
  }
  const fates: Fate[] = batch.map(() => 'drop');
  const missing = new Set([...expected.keys()].filter((i) => expected[i] !== 'drop'));
  const start = performance.now();
  let complete: number | null = null;
  while (performance.now() < (complete === null ? start + LOST : complete + LATE)) {
    for (const { number, on, source, destination } of wire.take()) {
      const packet = batch[number - first];
      if (!packet) continue;
      const again = fates[number - first] === 'drop' ? '' : `${fates[number - first]} and `;
      const masked = on !== null && source !== packet.source ? ' (nat)' : '';
      fates[number - first] = `${again}${on ?? 'host'} ${destination ?? packet.destination}${masked}`;
      missing.delete(number - first);
    }
    if (missing.size === 0) complete ??= performance.now();
    await new Promise((done) => setTimeout(done, 1));
  }
  return fates;
}

/**
 * No two of them may be one connection, or answers to each other, also after translation: ports are made unique where any
 * will do, and where there are none an address takes part once.
 */
function apart(packets: readonly Arrival[]): Arrival[] {
  const taken = new Set<string>();
  return packets.flatMap((packet, i) => {
    const { protocol, source, destination, icmpType } = packet;
    const inside =
      Object.values(FLOATING)
        .flat()
        .find(({ external }) => external === destination)?.internal ?? destination;
    if (icmpType !== undefined) return [packet];
    const sourcePort = packet.sourcePort === 50_000 ? FIRST_FREE_PORT + i : packet.sourcePort;
    const ends = hasPorts(protocol)
      ? [[`${source} ${sourcePort}`, `${inside} ${packet.destinationPort}`].toSorted().join()]
      : [source, inside];
    const keys = ends.map((end) => `${protocol} ${end}`);
    if (keys.some((key) => taken.has(key))) return [];
    for (const key of keys) taken.add(key);
    return [sourcePort === undefined ? packet : { ...packet, sourcePort }];
  });
}
