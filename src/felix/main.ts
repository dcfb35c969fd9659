/**
 * calico-felix: the agent of one host. In the order in which data flow:
 *
 *     environment, felix.cfg ─► datastore ─► Syncer ─► CalcGraph ─► Agent: configuration ─► Dataplane ─► kernel
 *
 * A configuration that changes is put in force while it runs. However it ends, the kernel stays as it is.
 */
import { setFlagsFromString } from 'node:v8';
import { CalcGraph, type RouteSource } from '../calc/index.ts';
import { datastoreConfig } from '../config/index.ts';
import { openStore, Syncer } from '../datastore/index.ts';
import { CalicoError } from '../errors/index.ts';
import type { SyncerSink } from '../model/index.ts';
import { commandLine } from '../program/index.ts';
import { Agent } from './agent.ts';
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

const NOT_LISTED = 'the first list is not complete';

const PROGRAM = {
  name: 'calico-felix',
  about: `Keeps this host's part of the datastore's policy, sets and routes in the kernel.
Its configuration: FELIX_<parameter> in the environment, felix.cfg, FelixConfiguration in the datastore.`,
  options: { 'config-file': { short: 'c', value: 'file', about: 'instead of /etc/calico/felix.cfg' } },
} as const;

/** Time until everything is told again after a fault in telling it. */
const RETELL_MS = 5000;

async function main(): Promise<void> {
  const asked = commandLine(PROGRAM, process.argv.slice(2));
  if ('print' in asked) return void process.stdout.write(asked.print);
  setFlagsFromString(`--max-semi-space-size=${YOUNG_MB}`);
  setFlagsFromString('--semi-space-growth-factor=1');
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
  if (config.healthEnabled) await health.serve(config.healthHost, config.healthPort);

  const store = await openStore(datastoreConfig(config, local.environment));
  const graph = new CalcGraph({ node: config.felixHostname });
  const observed = new Observed({ graph, reports: new StatusReports(store, log), log });
  const flush = onceATurn(() => {
    try {
      graph.flush((update) => {
        observed.onOutput(update.type);
        agent.onUpdate(update);
      });
      health.report('calculation', true);
    } catch (error) {
      // What was told is in force. Who knows what was not: everything is told again.
      log.error({ error: String(error) }, 'what this host needs could not be worked out, to be tried again');
      health.report('calculation', false, String(error));
      setTimeout(retell, RETELL_MS);
    }
  });
  const retell = (): void => {
    graph.retell();
    flush();
  };
  const setRouteSource = (source: RouteSource): void => {
    graph.setRouteSource(source);
    flush();
  };
  const agent = new Agent({
    local,
    log,
    configureLogs: (changed) => logs.configure(changed),
    health,
    observed,
    retell,
    setRouteSource,
  });
  let inSync = false;
  const sink: SyncerSink = {
    onUpdates(updates) {
      observed.onUpdates(updates);
      if (inSync) flush();
    },
    onStatus(status) {
      graph.onStatus(status);
      inSync = status === 'in-sync';
      observed.inSync = inSync;
      health.report('datastore', inSync, NOT_LISTED);
      if (inSync) flush();
    },
  };
  const syncer = new Syncer(store, sink, {
    log: (message, fields) => log.warn(fields, message),
    onHeld(why) {
      if (why) log.error({ code: why.code, subject: why.subject, hint: why.hint }, `${why.message}: nothing is taken`);
      else log.info({}, 'the datastore is followed again');
      health.report('datastore', inSync && !why, why?.message ?? NOT_LISTED);
    },
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

/** Runs the function once in a turn of the event loop, however often it is asked for: one flush for a batch. */
function onceATurn(run: () => void): () => void {
  let wanted = false;
  return () => {
    if (wanted) return;
    wanted = true;
    setImmediate(() => {
      wanted = false;
      run();
    });
  };
}

main().catch((error) => {
  if (error instanceof CalicoError && error.code === 'E_USAGE') process.stderr.write(`${error}\n`);
  else process.stderr.write(`calico-felix cannot start: ${error}\n`);
  process.exit(1);
});
