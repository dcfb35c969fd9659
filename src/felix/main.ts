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
import type { SyncerSink } from '../model/index.ts';
import { Agent } from './agent.ts';
import { Health } from './health.ts';
import { LocalConfig } from './local.ts';
import { createLog, type Logger } from './log.ts';
import { StatusReports } from './status/index.ts';

/** V8 would let the young generation grow to 64 MB, for a program that is mostly idle. */
const YOUNG_MB = 4;

async function main(): Promise<void> {
  setFlagsFromString(`--max-semi-space-size=${YOUNG_MB}`);
  setFlagsFromString('--semi-space-growth-factor=1');
  const local = new LocalConfig(process.env);
  const { config, problems } = local.resolve();
  const log = createLog(config.logSeverityScreen);
  // Now, because the datastore may never be reached with them; the others are told when the configuration is complete.
  const fatal = problems.filter((problem) => problem.fatal);
  for (const { subject, message } of fatal) log.fatal({ subject }, message);
  if (fatal.length > 0) process.exit(1);
  endOnSignals(log);
  const health = new Health(['datastore', 'dataplane']);
  if (config.healthEnabled) await health.serve(config.healthHost, config.healthPort);

  const store = await openStore(datastoreConfig(config, local.environment));
  const graph = new CalcGraph({ node: config.felixHostname });
  const flush = onceATurn(() => graph.flush((update) => agent.onUpdate(update)));
  const retell = (): void => {
    graph.retell();
    flush();
  };
  const reports = new StatusReports(store, log);
  const setRouteSource = (source: RouteSource): void => {
    graph.setRouteSource(source);
    flush();
  };
  const agent = new Agent({ local, log, health, reports, retell, setRouteSource });
  let inSync = false;
  const sink: SyncerSink = {
    onUpdates(updates) {
      graph.onUpdates(updates);
      if (inSync) flush();
    },
    onStatus(status) {
      graph.onStatus(status);
      inSync = status === 'in-sync';
      health.report('datastore', inSync);
      if (inSync) flush();
    },
  };
  new Syncer(store, sink, { log: (message, fields) => log.warn(fields, message) }).start();
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
  createLog('info').fatal({ error: String(error) }, 'calico-felix cannot start');
  process.exit(1);
});
