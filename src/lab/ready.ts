/** The lab is up when packets flow: every host's programs have then done their part. */
import { CalicoError } from '../errors/index.ts';
import { type Endpoint, endpointsOf, inParallel, probe } from './endpoints.ts';
import { LOGS } from './paths.ts';
import type { LabState } from './state.ts';

const PORT = 80;
const PATIENCE_MS = 30_000;
const PARALLEL = 16;

/**
 * From a workload of each host, and from the router, to every workload of its own host and one of each other, and to the
 * router. E_CONFIG: not in time.
 */
export async function waitUntilReachable(state: LabState): Promise<string> {
  const all = endpointsOf(state);
  const routers = all.filter(({ kind }) => kind === 'router');
  const perHost = [...Map.groupBy(all, ({ host }) => host)]
    .filter(([host]) => host !== undefined)
    .map(([, own]) => own);
  const samples = perHost.flatMap((own) => own.slice(-1));
  const sources = [...samples, ...routers];
  const missing = await inParallel(sources, PARALLEL, async (source): Promise<[Endpoint, Endpoint][]> => {
    const own = all.filter((endpoint) => endpoint.host === source.host && endpoint.kind === 'workload');
    const targets = [...new Set([...own, ...samples, ...routers])].flatMap((endpoint) =>
      endpoint.addresses.map((address) => ({ endpoint, address, port: PORT })),
    );
    const reached = await probe(source, targets, { timeoutMs: 300, until: true, patienceMs: PATIENCE_MS });
    return targets.filter((_, index) => !reached[index]).map(({ endpoint }) => [source, endpoint]);
  });
  const [pair] = missing.flat();
  if (!pair) return `asked from ${sources.length} places`;
  const [from, to] = pair;
  throw new CalicoError('E_CONFIG', `${from.name} to ${to.name}`, `not reached within ${PATIENCE_MS / 1000} s`, {
    hint: `see calico lab status, calico lab logs ${from.host ?? from.name}, or ${LOGS}`,
  });
}
