/** The programs of the lab: etcd, Felix and BIRD on the hosts, BIRD on the router, a small web server everywhere. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CalicoError } from '../errors/index.ts';
import { forever, inside, startDaemon } from './namespace.ts';
import { DIRECTORY, ETCD_SOCKET, LOGS, program, runDirectory } from './paths.ts';
import { type Addressed, ETCD_PORT, etcdUrl, NET, type Plan } from './plan.ts';
import { renderRouter } from './router.ts';
import type { Topology } from './topology.ts';

/** etcd wants a port in the name of a socket too. */
const ETCD_SOCKET_NAME = 'etcd:1';
const ETCD_PATIENCE_MS = 10_000;

/** Where programs are looked for, whatever the caller's own path. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Needs the namespace only; that it listens at no address in particular lets it start before there is one. */
export async function startEtcd(plan: Plan): Promise<void> {
  const command = [
    'etcd',
    ...['--name', 'lab', '--data-dir', `${DIRECTORY}/etcd`, '--unsafe-no-fsync', '--log-level', 'warn'],
    ...[
      '--listen-client-urls',
      `http://0.0.0.0:${ETCD_PORT},unix://${ETCD_SOCKET_NAME}`,
      '--advertise-client-urls',
      etcdUrl(plan),
    ],
    ...['--listen-peer-urls', 'http://127.0.0.1:2380', '--initial-advertise-peer-urls', 'http://127.0.0.1:2380'],
    ...['--initial-cluster', 'lab=http://127.0.0.1:2380', '--heartbeat-interval', '10', '--election-timeout', '100'],
  ];
  startDaemon(inside(NET, command), { log: `${LOGS}/etcd.log`, cwd: DIRECTORY, env: { PATH: SYSTEM_PATH } });
  await symlink(ETCD_SOCKET_NAME, ETCD_SOCKET);
  for (const end = Date.now() + ETCD_PATIENCE_MS; !(await accepts(ETCD_SOCKET)); await sleep(20)) {
    if (Date.now() > end)
      throw new CalicoError('E_DATASTORE', 'etcd', 'does not start', { hint: `see ${LOGS}/etcd.log` });
  }
}

/** Felix and BIRD, each started again when it ends. */
export async function startHost({ name }: Addressed, plan: Plan): Promise<void> {
  await mkdir(`${runDirectory(name)}/calico`, { recursive: true });
  const env = {
    ...hostEnvironment(name, plan),
    FELIX_FELIXHOSTNAME: name,
    FELIX_DATASTORETYPE: 'etcdv3',
    FELIX_INTERFACEPREFIX: 'cali',
    FELIX_IPV6SUPPORT: 'true',
    FELIX_HEALTHENABLED: 'true',
    FELIX_LOGFILEPATH: 'none',
    FELIX_LOGSEVERITYSCREEN: 'info',
  };
  for (const [service, executable] of [
    ['felix', 'calico-felix'],
    ['bgp', 'calico-bgp'],
  ] as const) {
    const command = inside(name, forever([program(executable)]), runDirectory(name));
    startDaemon(command, { log: `${LOGS}/${name}-${service}.log`, env });
  }
}

/** What programs on a host find in their environment. */
export function hostEnvironment(name: string, plan: Plan): Record<string, string> {
  return { PATH: SYSTEM_PATH, NODENAME: name, ETCD_ENDPOINTS: etcdUrl(plan), CALICO_RUN_DIR: '/run/calico' };
}

export async function startRouter(router: Addressed, topology: Topology, plan: Plan): Promise<void> {
  const directory = runDirectory(router.name);
  await mkdir(directory, { recursive: true });
  await writeFile(`${directory}/bird.conf`, renderRouter(topology, plan));
  const command = ['bird', '-f', '-c', '/run/bird.conf', '-s', '/run/bird.ctl'];
  startDaemon(inside(router.name, forever(command), directory), {
    log: `${LOGS}/router.log`,
    env: { PATH: SYSTEM_PATH },
  });
}

/** Answers on TCP port 80, over IPv4 and IPv6. */
export function startServer(name: string): void {
  const command = ['busybox', 'httpd', '-f', '-p', '[::]:80', '-h', `${DIRECTORY}/www`];
  startDaemon(inside(name, command), { log: `${LOGS}/httpd.log`, env: { PATH: SYSTEM_PATH } });
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
