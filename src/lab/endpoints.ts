/** Everything in the lab that can send and answer, and how to ask who reaches whom. */
import { type Family, familyOf, type Ip } from '../net/index.ts';
import { inside, run } from './namespace.ts';
import { PROBE } from './paths.ts';
import { firstHostOf, planOf } from './plan.ts';
import type { Request, Target } from './probe.ts';
import type { LabState } from './state.ts';

export interface Endpoint {
  readonly name: string;
  readonly kind: 'workload' | 'host' | 'router';
  /** The host that a workload is on. */
  readonly host?: string;
  readonly addresses: readonly Ip[];
}

/** Workloads first, then hosts, then the router. */
export function endpointsOf({ topology, addresses }: LabState): Endpoint[] {
  const plan = planOf(topology);
  const networks = topology.router?.networks ?? [];
  return [
    ...plan.workloads.map(({ name, host }) => ({
      name,
      host,
      kind: 'workload' as const,
      addresses: addresses[name] ?? [],
    })),
    ...plan.hosts.map(({ name, ipv4, ipv6 }) => ({ name, kind: 'host' as const, addresses: [ipv4, ipv6] })),
    ...(plan.router ? [{ name: plan.router.name, kind: 'router' as const, addresses: networks.map(firstHostOf) }] : []),
  ];
}

export function addressOf(endpoint: Endpoint, family: Family): Ip | undefined {
  return endpoint.addresses.find((address) => familyOf(address) === family);
}

/** Probes the targets from the endpoint's namespace. */
export async function probe(
  from: Endpoint,
  targets: readonly Target[],
  how: Omit<Request, 'targets'>,
): Promise<boolean[]> {
  const request: Request = { ...how, targets };
  return JSON.parse(await run(inside(from.name, [process.execPath, PROBE]), JSON.stringify(request))) as boolean[];
}

/** Does the work for all items, at most so many at a time. */
export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index] as T);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
