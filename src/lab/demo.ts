/** The lab's first impression: up, who reaches whom, a policy, what it changed, and why. */
import { writeFileSync } from 'node:fs';
import { CalicoError } from '../errors/index.ts';
import { addressOf, type Endpoint, endpointsOf, probe } from './endpoints.ts';
import { changedPairs, formatMatrix, isReached, type Matrix, measure, type Pair } from './matrix.ts';
import { run } from './namespace.ts';
import { paint } from './paint.ts';
import { EXAMPLES, LAST_MATRIX, program } from './paths.ts';
import { Stages } from './stages.ts';
import type { LabState } from './state.ts';
import type { Topology } from './topology.ts';
import { labEnvironment, up } from './up.ts';

const POLICY = 'db-from-web.yaml';
const PORT = 80;
const HOW = { port: PORT, timeoutMs: 600 };
const PATIENCE_MS = 10_000;

export async function demo(topology: Topology, write: (text: string) => void): Promise<void> {
  const stages = new Stages(write);
  const state = await up(topology, stages);
  const before = await measured(state, stages, null);
  await stages.run(`calicoctl apply -f examples/${POLICY}`, async () => {
    await calicoctl('apply', '-f', `${EXAMPLES}${POLICY}`);
    return null;
  });
  const [from, to] = deniedPair(state);
  await stages.run(`in force: ${from.name} no longer reaches ${to.name}`, () => untilDenied(from, to));
  const after = await measured(state, stages, before);
  const denied = changedPairs(after, before).find((pair) => !isReached(pair) && isAmongWorkloads(pair, state));
  if (denied) await explain(denied, stages);
  stages.say(`
up and tried in ${stages.elapsed}. It stays up:
  ${program('calico')} lab matrix | status | exec HOST|WORKLOAD -- COMMAND | shell | down
  ETCD_ENDPOINTS=${labEnvironment().ETCD_ENDPOINTS} ${program('calicoctl')} get workloadendpoints`);
}

async function measured(state: LabState, stages: Stages, before: Matrix | null): Promise<Matrix> {
  const matrix = await stages.run('who reaches whom', () => measure(state, HOW));
  writeFileSync(LAST_MATRIX, JSON.stringify(matrix));
  stages.say(`\n${formatMatrix(matrix, before, paint)}`);
  return matrix;
}

async function explain({ from, to }: Pair, stages: Stages): Promise<void> {
  const question = ['--from', from, '--to', to, '--protocol', 'tcp', '--port', String(PORT)];
  const answer = await stages.run(`calicoctl explain ${question.join(' ')}`, async () => ({
    text: await calicoctl('explain', ...question),
  }));
  stages.say(`\n${answer.text.trimEnd()}`);
}

/** Two databases, on different hosts where there are any: the policy keeps them apart. E_USAGE: fewer than two. */
function deniedPair(state: LabState): [Endpoint, Endpoint] {
  const apps = new Map(
    state.topology.hosts.flatMap(({ workloads }) => workloads.map(({ name, labels }) => [name, labels.app])),
  );
  const databases = endpointsOf(state).filter(({ name }) => apps.get(name) === 'db');
  const [from, to] = [databases.at(-1), databases[0]];
  if (from && to && from !== to) return [from, to];
  throw new CalicoError('E_USAGE', 'calico lab demo', 'needs two workloads labelled app=db', {
    hint: 'calico lab up has no such need',
  });
}

async function untilDenied(from: Endpoint, to: Endpoint): Promise<null> {
  const addresses = ([4, 6] as const).map((family) => addressOf(to, family)).filter((address) => address !== undefined);
  const targets = addresses.map((address) => ({ address, port: PORT }));
  const reached = await probe(from, targets, { timeoutMs: 300, until: false, patienceMs: PATIENCE_MS });
  if (reached.some(Boolean)) {
    throw new CalicoError(
      'E_CONFIG',
      POLICY,
      `is not in force after ${PATIENCE_MS / 1000} s: ${from.name} reaches ${to.name}`,
      {
        hint: `calico lab logs ${to.host}`,
      },
    );
  }
  return null;
}

function isAmongWorkloads({ from, to }: Pair, state: LabState): boolean {
  return state.addresses[from] !== undefined && state.addresses[to] !== undefined;
}

function calicoctl(...words: string[]): Promise<string> {
  return run([program('calicoctl'), ...words], '', { PATH: process.env.PATH, ...labEnvironment() });
}
