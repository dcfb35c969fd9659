/**
 * calico-felix: the agent of one host. In the order in which data flow:
 *
 *     environment, felix.cfg ─► datastore ─► Syncer ─► CalcGraph ─► Agent: configuration ─► Dataplane ─► kernel
 *
 * A configuration that changes is put in force while it runs. However it ends, the kernel stays as it is.
 */
import { setFlagsFromString } from 'node:v8';
import { CalcGraph, type DataplaneUpdate } from '../calc/index.ts';
import { datastoreConfig } from '../config/index.ts';
import { openStore, Syncer } from '../datastore/index.ts';
import { CalicoError } from '../errors/index.ts';
import { commandLine } from '../program/index.ts';
import { Agent } from './agent.ts';
import { Calculation } from './calculation.ts';
import { Health } from './health.ts';
import { LocalConfig } from './local.ts';
import { type Logger, Logs } from './log.ts';
import { Observed } from './observed.ts';
import { StateServer } from './state/server.ts';
import { summaryOf, tablesOf } from './state/snapshot.ts';
import { socketPath } from './state/socket-path.ts';
import { StatusReports } from './status/index.ts';

/** V8 would let the young generation grow to 64 MB, for a program that is mostly idle. */
const YOUNG_MB = 4;
/** Percent by which the old generation grows before it is collected; V8 would double it while the first list comes. */
const OLD_GROWTH = 40;

const PROGRAM = {
  name: 'calico-felix',
  about: `Keeps this host's part of the datastore's policy, sets and routes in the kernel.
Its configuration: FELIX_<parameter> in the environment, felix.cfg, FelixConfiguration in the datastore.`,
  options: { 'config-file': { short: 'c', value: 'file', about: 'instead of /etc/calico/felix.cfg' } },
} as const;

async function main(): Promise<void> {
  const asked = commandLine(PROGRAM, process.argv.slice(2));
  if ('print' in asked) return void process.stdout.write(asked.print);
  setFlagsFromString(`--max-semi-space-size=${YOUNG_MB}`);
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString(`--heap-growing-percent=${OLD_GROWTH}`);
  const local = new LocalConfig(process.env, asked.options['config-file']);
  const { config, problems } = local.resolve();
  const logs = new Logs(config);
  const log = logs.logger;
  // Now, because the datastore may never be reached with them; the others are told when the configuration is complete.
  const fatal = problems.filter((problem) => problem.fatal);
  for (const { subject, message } of fatal) log.fatal({ subject }, message);
  if (fatal.length > 0) process.exit(1);
  endOnSignals(log);
  const health = new Health(['datastore', 'calculation', 'dataplane']);
  // The agent tries again.
  if (config.healthEnabled)
    await health.serve(config.healthHost, config.healthPort).catch((error) => {
      log.error({ error: String(error) }, 'nobody can ask for health yet');
    });

  const store = await openStore(datastoreConfig(config, local.environment), (message, fields) =>
    log.warn(fields, message),
  );
  const graph = new CalcGraph({ node: config.felixHostname });
  const observed = new Observed({ graph, reports: new StatusReports(store, log), log });
  const onOutput = (update: DataplaneUpdate) => agent.onUpdate(update);
  const calculation = new Calculation({ graph, observed, health, log, onOutput });
  const agent = new Agent({
    local,
    log,
    configureLogs: (changed) => logs.configure(changed),
    health,
    observed,
    retell: () => calculation.retell(),
    setRouteSource: (source) => calculation.setRouteSource(source),
  });
  const syncer = new Syncer(store, calculation, {
    log: (message, fields) => log.warn(fields, message),
    onHeld: (why) => calculation.onHeld(why),
  });
  observed.resyncs = () => syncer.lists;
  health.watch('dataplane', () => observed.stuck);
  await serveState(config.felixHostname, observed, health, log);
  syncer.start();
}

/** On a socket, and on SIGUSR2 (SIGUSR1 is Node's debugger's) in a file. Felix does its work without it, too. */
async function serveState(host: string, observed: Observed, health: Health, log: Logger): Promise<void> {
  const source = {
    summary: () => summaryOf(host, observed, health),
    tables: (full: boolean) => tablesOf(observed, full),
  };
  const server = new StateServer(source, socketPath());
  process.on('SIGUSR2', () => {
    server.write().then(
      (path) => log.info({ path }, 'state written'),
      (error) => log.error({ error: String(error) }, 'state cannot be written'),
    );
  });
  process.on('exit', () => server.close());
  await server.serve().catch((error) => log.warn({ error: String(error) }, 'nobody can ask for the state'));
}

function endOnSignals(log: Logger): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info({ signal }, 'ending; the kernel stays as it is');
      process.exit(0);
    });
  }
}

main().catch((error) => {
  if (error instanceof CalicoError && error.code === 'E_USAGE') process.stderr.write(`${error}\n`);
  else process.stderr.write(`calico-felix cannot start: ${error}\n`);
  process.exit(1);
});
