/**
 * calico-node: everything that a host runs. In the order in which it happens:
 *
 *     environment ─► start (Node, pools, defaults) ─► tunnel addresses ─► calico-felix, calico-bgp, kept running
 *                                                          ▲ pools and the Node change
 *     addresses of the host change ─► the Node's addresses, where they are autodetected
 *
 * However it ends, the kernel stays as it is: policy and routes outlive it.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Logger, pino } from 'pino';
import { clientEnvironment } from '../config/environment.ts';
import { type Client, configFromEnvironment, connect, resourceKey } from '../datastore/index.ts';
import { CalicoError } from '../errors/index.ts';
import { Ipam } from '../ipam/index.ts';
import { commandLine, programPath } from '../program/index.ts';
import { AddressMonitor } from './address-monitor.ts';
import { type Backend, backendOf } from './backend.ts';
import { Follower } from './follower.ts';
import { thisHost } from './host.ts';
import { logLevel } from './log-level.ts';
import { keepNodeName, nodeName } from './name.ts';
import { type Start, start } from './start.ts';
import { type Program, Supervised } from './supervised.ts';
import { TunnelAddresses } from './tunnel-addresses.ts';
import { flag } from './variables.ts';

const PROGRAM = {
  name: 'calico-node',
  about: `Makes this host a node: finds its address, writes its Node and what a new cluster lacks, and keeps calico-felix and
calico-bgp running. 'calico-node startup' does the first part alone.
Its configuration: the environment (NODENAME, IP, ETCD_ENDPOINTS, CALICO_IPV4POOL_CIDR, …).`,
  options: {
    'felix-config': {
      short: 'f',
      value: 'file',
      about: "Felix's configuration file, instead of /etc/calico/felix.cfg",
    },
  },
} as const;

const RETRY_MS = 1000;

async function main(log: Logger, env: NodeJS.ProcessEnv): Promise<void> {
  const [first, ...rest] = process.argv.slice(2);
  const only = first === 'startup';
  const asked = commandLine(PROGRAM, only ? rest : process.argv.slice(2));
  if ('print' in asked) return void process.stdout.write(asked.print);
  log.level = logLevel(env);
  const backend = backendOf(env);
  const name = nodeName(env, hostname());
  const client = await connect(configFromEnvironment(clientEnvironment(env)));
  const node: Start = { env, name, client, host: thisHost(env, name), log };
  if (flag(env, 'WAIT_FOR_DATASTORE', false)) await untilItAnswers(client, log);
  await start(node, { ipv6: existsSync('/proc/sys/net/ipv6'), randomBytes });
  keepNodeName(env, name);
  log.info({ node: name }, 'the node is set up');
  if (only) return client.close();

  const parts = [...tunnels(node, backend), ...monitor(node, backend)];
  const programs = programsOf(name, backend, asked.options['felix-config']).map(
    (program) => new Supervised(program, log),
  );
  for (const program of programs) program.start();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, async () => {
      log.info({ signal }, 'ending; the kernel stays as it is');
      for (const part of parts) part.stop();
      await Promise.all(programs.map((program) => program.stop()));
      process.exit(0);
    });
  }
}

function programsOf(name: string, backend: Backend, felixConfig: string | undefined): Program[] {
  const program = (name: string, args: readonly string[] = []) => ({ name, command: programPath(name), args, env });
  const env = { NODENAME: name, FELIX_FELIXHOSTNAME: name };
  const felix = program('calico-felix', felixConfig === undefined ? [] : ['--config-file', felixConfig]);
  return backend === 'bird' ? [felix, program('calico-bgp')] : [felix];
}

function tunnels({ client, name, log }: Start, backend: Backend): Follower[] {
  if (backend === 'none') return [];
  const addresses = new TunnelAddresses({ client, ipam: new Ipam(client.store), node: name, log });
  const [pools, node, cluster] = [
    resourceKey('ippools', ''),
    resourceKey('nodes', name),
    resourceKey('clusterinformations', 'default'),
  ];
  const follower = new Follower({
    store: client.store,
    prefixes: [pools, node, cluster],
    concerns: (key) => key.startsWith(pools) || key === node || key === cluster,
    work: () => addresses.reconcile(),
    onError: (error) => log.warn({ error: String(error) }, 'tunnel addresses stay as they are, until the next try'),
  });
  void follower.run();
  return [follower];
}

function monitor(node: Start, backend: Backend): AddressMonitor[] {
  const needed = backend !== 'none' && AddressMonitor.isNeeded(node.env);
  if (!needed) return [];
  const monitor = new AddressMonitor(node);
  monitor.start();
  return [monitor];
}

async function untilItAnswers(client: Client, log: Logger): Promise<void> {
  for (let told = false; ; told = true) {
    try {
      await client.find('ClusterInformation', 'default');
      return;
    } catch (error) {
      if (!told) log.warn({ error: String(error) }, 'waiting for the datastore');
      await sleep(RETRY_MS);
    }
  }
}

const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime });
main(log, process.env).catch((error) => {
  if (error instanceof CalicoError && error.code === 'E_USAGE') process.stderr.write(`${error}\n`);
  else
    log.fatal(
      { error: String(error), hint: error instanceof CalicoError ? error.hint : undefined },
      'the node cannot start',
    );
  process.exit(1);
});
