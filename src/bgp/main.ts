/**
 * calico-bgp: announces one host's workloads. In the order in which data flow:
 *
 *     datastore ─► Syncer ─► NetworkState ─► Configurator (renderConfig) ─► BirdSupervisor ─► BIRD ─► peers, kernel
 *
 * However it ends, BIRD's routes stay in the kernel, and the peers keep this host's routes for the time of a restart.
 */
import { hostname } from 'node:os';
import { type Logger, pino } from 'pino';
import { clientEnvironment } from '../config/environment.ts';
import { configFromEnvironment, connect, Syncer } from '../datastore/index.ts';
import { CalicoError } from '../errors/index.ts';
import type { SyncerSink } from '../model/index.ts';
import { familyOf, parseIp } from '../net/index.ts';
import { commandLine } from '../program/index.ts';
import { Configurator } from './configurator.ts';
import { birdDirectory } from './control.ts';
import { NetworkState } from './network.ts';
import { PasswordFiles } from './passwords.ts';
import { renderConfig } from './render.ts';
import { StatusWriter } from './status-writer.ts';
import { BirdSupervisor } from './supervisor.ts';
import { staticWorkloadRoutes } from './workload-routes.ts';

/** A password that has changed is noticed so soon. */
const PASSWORDS_MS = 10_000;

interface Settings {
  readonly node: string;
  readonly directory: string;
  readonly passwords: string;
  readonly routerId: string | undefined;
  readonly interfacePrefixes: readonly string[];
}

function settingsFrom(env: NodeJS.ProcessEnv): Settings {
  const interfacePrefixes = (env.FELIX_INTERFACEPREFIX ?? 'cali').split(',').map((prefix) => prefix.trim());
  const wrong = interfacePrefixes.find((prefix) => !/^[\w.-]+$/.test(prefix));
  if (wrong !== undefined)
    throw new CalicoError('E_CONFIG', 'FELIX_INTERFACEPREFIX', `no prefix of a link's name: '${wrong}'`);
  return {
    node: env.FELIX_FELIXHOSTNAME || env.NODENAME || hostname().toLowerCase(),
    directory: birdDirectory(env),
    passwords: env.CALICO_BGP_PASSWORDS_DIR || '/etc/calico/bgp-passwords',
    routerId: routerIdFrom(env.CALICO_ROUTER_ID || undefined),
    interfacePrefixes,
  };
}

function routerIdFrom(written: string | undefined): string | undefined {
  if (written === undefined || written === 'hash' || (parseIp(written) && familyOf(written) === 4)) return written;
  throw new CalicoError('E_CONFIG', 'CALICO_ROUTER_ID', `neither an IPv4 address nor 'hash': '${written}'`);
}

const PROGRAM = {
  name: 'calico-bgp',
  about: `Announces this host's workloads by BGP: writes BIRD's configuration and keeps BIRD running.
Its configuration: the environment (FELIX_FELIXHOSTNAME, ETCD_ENDPOINTS, CALICO_RUN_DIR, CALICO_ROUTER_ID,
CALICO_BGP_PASSWORDS_DIR, …), BGPConfiguration, BGPPeer and BGPFilter.`,
  options: {},
};

async function main(log: Logger): Promise<void> {
  const asked = commandLine(PROGRAM, process.argv.slice(2));
  if ('print' in asked) return void process.stdout.write(asked.print);
  const settings = settingsFrom(process.env);
  const client = await connect(configFromEnvironment(clientEnvironment(process.env)));
  const network = new NetworkState(settings.node);
  const passwords = new PasswordFiles(settings.passwords);
  const bird = new BirdSupervisor({
    directory: settings.directory,
    log,
    known: () => staticWorkloadRoutes(settings.interfacePrefixes),
  });
  const statuses = new StatusWriter({
    node: settings.node,
    socket: bird.socket,
    client,
    onError: (error, name) => log.warn({ error: String(error), name }, 'a CalicoNodeStatus is not written'),
  });
  const configurator = new Configurator({
    bird,
    log: log.child({ node: settings.node }),
    render: () => renderConfig(network, { ...settings, password: (ref) => passwords.read(ref) }),
  });
  const syncer = new Syncer(client.store, following(network, statuses, configurator), {
    log: (message, fields) => log.warn(fields, message),
  });
  syncer.start();
  setInterval(() => passwords.used && configurator.applySoon(), PASSWORDS_MS).unref();
  endOnSignal(log, async () => {
    syncer.stop();
    statuses.stop();
    await bird.stop();
  });
}

/** Nothing is told to BIRD before everything that exists is known. */
function following(network: NetworkState, statuses: StatusWriter, configurator: Configurator): SyncerSink {
  let inSync = false;
  return {
    onUpdates(updates) {
      statuses.apply(updates);
      if (network.apply(updates) && inSync) configurator.applySoon();
    },
    onStatus(status) {
      if (status !== 'in-sync') return;
      inSync = true;
      configurator.applySoon();
    },
  };
}

function endOnSignal(log: Logger, stop: () => Promise<void>): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, async () => {
      log.info({ signal }, 'ending');
      await stop();
      process.exit(0);
    });
  }
}

const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime });
main(log).catch((error) => {
  if (error instanceof CalicoError && error.code === 'E_USAGE') process.stderr.write(`${error}\n`);
  else log.fatal({ error: String(error) }, 'calico-bgp cannot start');
  process.exit(1);
});
