/** Who reaches whom. */
import type { Family } from '../net/index.ts';
import { addressOf, type Endpoint, endpointsOf, inParallel, probe } from './endpoints.ts';
import type { LabState } from './state.ts';

export interface Pair {
  readonly from: string;
  readonly to: string;
  /** Reached over this family; absent where one of the two has no address of it. */
  readonly ipv4?: boolean;
  readonly ipv6?: boolean;
}

export interface Matrix {
  readonly protocol: 'tcp';
  readonly port: number;
  readonly endpoints: readonly string[];
  /** How many endpoints there are besides these. */
  readonly leftOut: number;
  readonly pairs: readonly Pair[];
}

export interface MatrixOptions {
  readonly port: number;
  readonly timeoutMs: number;
  /** Every endpoint, also where there are very many. */
  readonly all?: boolean;
}

const PARALLEL = 16;
const WIDEST_TABLE = 40;
/** The square of it is the number of connections. */
const MOST_WORKLOADS = 60;

/** Every endpoint to every other, over TCP. Of very many workloads, the first ones of each host stand for the rest. */
export async function measure(state: LabState, options: MatrixOptions): Promise<Matrix> {
  const everyone = endpointsOf(state);
  const endpoints = options.all ? everyone : someOf(everyone);
  const rows = await inParallel([...endpoints.entries()], PARALLEL, ([index, from]) => {
    // Each source starts with other targets, or all would ask the same server at the same time.
    const others = [...endpoints.slice(index + 1), ...endpoints.slice(0, index)];
    return measureFrom(from, others, options);
  });
  return {
    protocol: 'tcp',
    port: options.port,
    endpoints: endpoints.map(({ name }) => name),
    leftOut: everyone.length - endpoints.length,
    pairs: rows.flat(),
  };
}

function someOf(endpoints: readonly Endpoint[]): Endpoint[] {
  const perHost = Map.groupBy(endpoints, ({ host }) => host);
  perHost.delete(undefined);
  const most = Math.max(1, Math.floor(MOST_WORKLOADS / perHost.size));
  const chosen = new Set([...perHost.values()].flatMap((workloads) => workloads.slice(0, most)));
  return endpoints.filter((endpoint) => endpoint.kind !== 'workload' || chosen.has(endpoint));
}

async function measureFrom(
  from: Endpoint,
  others: readonly Endpoint[],
  { port, timeoutMs }: MatrixOptions,
): Promise<Pair[]> {
  const targets = others
    .flatMap((to) => ([4, 6] as const).map((family) => ({ to, family, address: addressOf(to, family), port })))
    .filter(({ address, family }) => address !== undefined && addressOf(from, family) !== undefined);
  const reached = await probe(
    from,
    targets.map(({ address, port }) => ({ address: address as string, port })),
    { timeoutMs },
  );
  const pairs = new Map<string, Pair>();
  for (const [index, { to, family }] of targets.entries()) {
    const so: Pair = pairs.get(to.name) ?? { from: from.name, to: to.name };
    pairs.set(to.name, { ...so, [keyOf(family)]: reached[index] as boolean });
  }
  return [...pairs.values()];
}

function keyOf(family: Family): 'ipv4' | 'ipv6' {
  return family === 4 ? 'ipv4' : 'ipv6';
}

/** The pairs that differ from those of an earlier matrix; none where they had not been measured. */
export function changedPairs(now: Matrix, before: Matrix | null): Pair[] {
  const earlier = new Map(before?.pairs.map((pair) => [pairKey(pair), pair]));
  return now.pairs.filter((pair) => {
    const then = earlier.get(pairKey(pair));
    return then !== undefined && (then.ipv4 !== pair.ipv4 || then.ipv6 !== pair.ipv6);
  });
}

export function pairKey({ from, to }: Pair): string {
  return `${from} ${to}`;
}

/** Is the pair reached over every family that it has? */
export function isReached({ ipv4 = true, ipv6 = true }: Pair): boolean {
  return ipv4 && ipv6;
}

/** For a terminal. Changed cells stand in brackets. */
export function formatMatrix(
  matrix: Matrix,
  before: Matrix | null,
  paint: (text: string, color: 'red' | 'green') => string,
): string {
  const changed = new Set(changedPairs(matrix, before).map(pairKey));
  const reached = matrix.pairs.filter(isReached).length;
  const summary = `${reached} of ${matrix.pairs.length} pairs reach each other on TCP port ${matrix.port}, ${changed.size} changed${matrix.leftOut > 0 ? `; ${matrix.leftOut} endpoints left out (--all)` : ''}`;
  const legend = '✓ reached  · not  4 or 6 only over that IP version  [ ] changed';
  if (matrix.endpoints.length > WIDEST_TABLE) return `${formatList(matrix, changed)}${summary}\n`;
  const cells = new Map(matrix.pairs.map((pair) => [pairKey(pair), pair]));
  const first = Math.max(...matrix.endpoints.map((name) => name.length), 'from \\ to'.length);
  const lines = matrix.endpoints.map((from) => {
    const row = matrix.endpoints.map((to) => {
      const pair = cells.get(`${from} ${to}`);
      const width = Math.max(to.length, 3);
      return centred(pair ? cellOf(pair, changed.has(`${from} ${to}`)) : ' ', width, pair, paint);
    });
    return `${from.padEnd(first)}  ${row.join(' ')}`;
  });
  const head = `${'from \\ to'.padEnd(first)}  ${matrix.endpoints.map((name) => name.padEnd(3)).join(' ')}`;
  return `${[head, ...lines, `${legend}: ${summary}`].join('\n')}\n`;
}

function cellOf(pair: Pair, changed: boolean): string {
  const { ipv4, ipv6 } = pair;
  const mark = isReached(pair) ? '✓' : ipv4 ? '4' : ipv6 ? '6' : '·';
  return changed ? `[${mark}]` : mark;
}

function centred(
  text: string,
  width: number,
  pair: Pair | undefined,
  paint: (text: string, color: 'red' | 'green') => string,
): string {
  const left = (width - text.length) >> 1;
  const painted = pair ? paint(text, isReached(pair) ? 'green' : 'red') : text;
  return ' '.repeat(left) + painted + ' '.repeat(width - text.length - left);
}

/** Too many endpoints for a table: what is not reached, and what changed. */
function formatList(matrix: Matrix, changed: ReadonlySet<string>): string {
  const shown = matrix.pairs.filter((pair) => !isReached(pair) || changed.has(pairKey(pair)));
  const lines = shown.slice(0, WIDEST_TABLE).map((pair) => {
    return `${pair.from} → ${pair.to}  ${cellOf(pair, changed.has(pairKey(pair)))}\n`;
  });
  const rest = shown.length - lines.length;
  return lines.join('') + (rest > 0 ? `… and ${rest} more\n` : '');
}
