/** The lab is up when packets flow: every host's programs have then done their part. */
import { CalicoError } from '../errors/index.ts';
import { type Endpoint, endpointsOf, inParallel, probe } from './endpoints.ts';
import { LOGS } from './paths.ts';
import type { LabState } from './state.ts';

const PORT = 80;
const PATIENCE_MS = 30_000;
const PARALLEL = 16;

/** From one workload of each host and from the router to every workload and the router. E_CONFIG: not in time. */
export async function waitUntilReachable(state: LabState): Promise<string> {
  const all = endpointsOf(state);
  const workloads = all.filter(({ kind }) => kind === 'workload');
  const routers = all.filter(({ kind }) => kind === 'router');
  const sources = [...new Map(workloads.map((workload) => [workload.host, workload])).values(), ...routers];
  const targets = [...workloads, ...routers].flatMap((endpoint) =>
    endpoint.addresses.map((address) => ({ endpoint, address, port: PORT })),
  );
  const missing = await inParallel(sources, PARALLEL, async (source): Promise<[Endpoint, Endpoint][]> => {
    const reached = await probe(source, targets, { timeoutMs: 300, until: true, patienceMs: PATIENCE_MS });
    return targets.filter((_, index) => !reached[index]).map(({ endpoint }) => [source, endpoint]);
  });
  const [first] = missing.flat();
  if (!first) return `${sources.length} × ${targets.length} connections`;
  const [from, to] = first;
  throw new CalicoError('E_CONFIG', `${from.name} to ${to.name}`, `not reached within ${PATIENCE_MS / 1000} s`, {
    hint: `see calico lab status, calico lab logs ${from.host ?? from.name}, or ${LOGS}`,
  });
}
