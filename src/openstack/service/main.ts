/**
 * calico-openstack: from Neutron to the datastore, and what hosts report back. One a controller; in the order in which data flow:
 *
 *     Neutron's driver ─► server ─► Changes ─┐
 *     Neutron's API ─► resync (elected) ─────┴─► Writer ─► etcd ─► Feedback (elected) ─► Neutron's driver
 */
import { pino } from 'pino';
import { openStore } from '../../datastore/index.ts';
import { CalicoError } from '../../errors/index.ts';
import { commandLine } from '../../program/index.ts';
import { OsloConfig } from '../oslo-config.ts';
import { Changes, changeOf } from './changes.ts';
import { ensureDeployment } from './deployment.ts';
import { Election } from './election.ts';
import { endpointPrefix } from './endpoint.ts';
import { Feedback } from './feedback.ts';
import { Keystone, Projects } from './keystone.ts';
import { KnownEndpoints } from './known-endpoints.ts';
import { Metrics } from './metrics.ts';
import { NeutronApi } from './neutron-api.ts';
import type { RuleProblem } from './policy.ts';
import { Resyncs } from './resyncs.ts';
import { serve } from './server.ts';
import { settingsOf } from './settings.ts';
import { Writer } from './writer.ts';

const RETRY_MS = 1000;
/** Longest that somebody may wait for reports. */
const LONGEST_WAIT_MS = 30_000;

const PROGRAM = {
  name: 'calico-openstack',
  about: `Writes what Neutron has into Calico's datastore, and tells Neutron what hosts report.
Its configuration: neutron.conf, [calico] and [keystone_authtoken] in it; several files are separated by commas.`,
  options: { 'config-file': { short: 'c', value: 'files', about: 'instead of /etc/neutron/neutron.conf' } },
} as const;

const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime });

async function main(): Promise<void> {
  const asked = commandLine(PROGRAM, process.argv.slice(2));
  if ('print' in asked) return void process.stdout.write(asked.print);
  const files = (asked.options['config-file'] ?? '/etc/neutron/neutron.conf').split(',');
  const settings = settingsOf(OsloConfig.read(files));
  const { region, interfaceLength } = settings;
  const onError = (error: unknown) => log.warn({ error: String(error) }, 'it is tried again');
  const onProblems = (problems: readonly RuleProblem[]) => {
    for (const problem of problems) log.warn(problem, 'a rule of a security group allows nothing');
  };

  const store = await openStore(settings.datastore, (message, fields) => log.warn(fields, message));
  const writer = new Writer(store);
  const endpoints = new KnownEndpoints(store, endpointPrefix(region), onError);
  const keystone = settings.projects && new Keystone(settings.projects);
  const projects = new Projects(keystone, onError);
  const projectOf = (id: string) => projects.get(id);
  const changes = new Changes({ region, writer, endpoints, projectOf, interfaceLength, onProblems });
  const neutron = new NeutronApi(settings.neutron, settings.credentials ? keystone : null);
  const metrics = new Metrics();
  const seconds = settings.resyncSeconds;
  const resyncs = new Resyncs(
    { region, store, writer, neutron, changes, projects, interfaceLength, onProblems, seconds },
    metrics,
    log,
  );
  const feedback = new Feedback(store, region.felixes, onError);
  const election = new Election({
    store,
    keys: region.elections,
    name: settings.name,
    onError,
    onElected: (elected) => {
      log.info({ elected }, elected ? 'elected' : 'no longer elected');
      metrics.elected.set(elected ? 1 : 0);
      for (const part of [resyncs, feedback]) elected ? part.start() : part.stop();
      if (elected) ensureDeployment(store).catch(onError);
    },
  });

  await patiently(() => endpoints.start());
  const server = await serve(settings.socket, {
    'GET /status': async () => ({ elected: election.elected, region: region.name, resync: resyncs.progress }),
    'GET /metrics': () => metrics.text(),
    'POST /v1/resync': async () => ({ complete: await resyncs.once(), ...resyncs.progress }),
    'GET /v1/reports': ({ query }) => {
      const wait = Math.min(Number(query.get('wait') ?? 0) * 1000, LONGEST_WAIT_MS);
      return feedback.since(query.get('epoch') ?? '', Number(query.get('after') ?? 0), wait);
    },
    'POST /v1/changes': async ({ body }) => {
      const change = changeOf(body);
      try {
        const { late, written, deleted } = await changes.take(change);
        metrics.changes.inc({ kind: change.kind, result: late ? 'late' : written + deleted > 0 ? 'written' : 'equal' });
      } catch (error) {
        metrics.changes.inc({ kind: change.kind, result: 'failed' });
        throw error;
      }
    },
  });
  election.start();
  log.info({ socket: settings.socket, region: region.name }, 'Neutron may tell');

  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, async () => {
      log.info({ signal }, 'ending');
      server.close();
      await election.stop().catch(() => {});
      process.exit(0);
    });
}

/** Until the datastore answers: Neutron is told nothing before, and keeps what it has to tell. */
async function patiently(task: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await task();
    } catch (error) {
      log.warn({ error: String(error) }, 'the datastore is waited for');
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

main().catch((error) => {
  if (error instanceof CalicoError && error.code === 'E_USAGE') process.stderr.write(`${error}\n`);
  else log.fatal({ error: String(error) }, 'calico-openstack cannot start');
  process.exit(1);
});
