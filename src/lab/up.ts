/** Builds the lab: everything that can be done at the same time is. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import type { Resource } from '../api/index.ts';
import { type Client, configFromEnvironment, connect } from '../datastore/index.ts';
import { CalicoError } from '../errors/index.ts';
import { Ipam } from '../ipam/index.ts';
import { cidrOf, familyOf, type Ip } from '../net/index.ts';
import { down, netnsIsMounted } from './down.ts';
import { addNamespaces, addSwitch, setUpHost, setUpRouter, setUpWorkload } from './network.ts';
import { DIRECTORY, ETCD_SOCKET, LOGS } from './paths.ts';
import { type Plan, type PlannedWorkload, planOf } from './plan.ts';
import { waitUntilReachable } from './ready.ts';
import { clusterResources, handleOf, workloadResource } from './resources.ts';
import { SYSTEM_PATH, startEtcd, startHost, startRouter, startServer } from './services.ts';
import type { Stages } from './stages.ts';
import { findState, type LabState, writeState } from './state.ts';
import type { Topology } from './topology.ts';

/** Programs, and the Debian packages that have them. */
const NEEDED = {
  ip: 'iproute2',
  etcd: 'etcd-server',
  bird: 'bird2',
  busybox: 'busybox-static',
  'iptables-restore': 'iptables',
};

/** A lab that is there already is taken down first. */
export async function up(topology: Topology, stages: Stages): Promise<LabState> {
  checkMachine();
  await stages.run('take down what was there', async () => {
    const removed = await down();
    return removed > 0 ? `${removed} namespaces` : null;
  });
  const plan = planOf(topology);
  let state: LabState = { upPid: process.pid, mountedNetns: !netnsIsMounted(), topology, addresses: {} };
  await prepareDirectory();
  writeState(state);

  await stages.run('namespaces', async () => {
    await addNamespaces(plan);
    return `${plan.hosts.length} hosts, ${plan.workloads.length} workloads`;
  });
  const links = stages.run('links', () => addLinks(topology, plan));
  links.catch(() => {}); // reported where it is awaited
  await stages.run('etcd', () => startEtcd(plan));
  const client = await openClient();
  try {
    await stages.run('resources', () => createAll(client, clusterResources(topology, plan)));
    await links;
    const addresses = await stages.run('workloads', () => addWorkloads(client, topology, plan));
    state = { ...state, addresses };
    writeState(state);
    await stages.run('start Felix and BIRD', () => startAll(topology, plan));
  } finally {
    await client.store.close();
  }
  await stages.run('packets flow between all hosts', () => waitUntilReachable(state));
  state = { ...state, upPid: null };
  writeState(state);
  return state;
}

/** The lab's datastore, from outside its namespaces. */
export function openClient(): Promise<Client> {
  return connect(configFromEnvironment(labEnvironment()));
}

/** What programs outside the lab's namespaces need to find its datastore. */
export function labEnvironment(): Record<string, string> {
  return { DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: `unix://${ETCD_SOCKET}` };
}

/** E_USAGE: what it takes is missing. */
function checkMachine(): void {
  if (process.getuid?.() !== 0) throw new CalicoError('E_USAGE', 'calico lab', 'needs root', { hint: 'try sudo' });
  const directories = SYSTEM_PATH.split(':');
  for (const [program, debianPackage] of Object.entries(NEEDED)) {
    if (directories.some((directory) => existsSync(`${directory}/${program}`))) continue;
    throw new CalicoError('E_USAGE', program, 'is not installed', { hint: `apt-get install ${debianPackage}` });
  }
}

async function prepareDirectory(): Promise<void> {
  if (findState()) throw new CalicoError('E_EXISTS', DIRECTORY, 'another lab came up meanwhile');
  await mkdir(`${DIRECTORY}/www`, { recursive: true });
  await mkdir(LOGS, { recursive: true });
  await writeFile(`${DIRECTORY}/www/index.html`, 'calico lab\n');
}

async function addLinks(topology: Topology, plan: Plan): Promise<null> {
  await addSwitch(plan);
  // As in a real network; without a router it is an address that leads nowhere.
  const gateway = plan.router ?? plan.net;
  const onHost = Map.groupBy(plan.workloads, ({ host }) => host);
  await Promise.all([
    ...plan.hosts.map((host) => setUpHost(host, gateway, onHost.get(host.name) ?? [])),
    plan.router && setUpRouter(plan.router, topology.router?.networks ?? []),
  ]);
  for (const { name } of [...plan.hosts, ...(plan.router ? [plan.router] : []), ...plan.workloads]) startServer(name);
  return null;
}

async function startAll(topology: Topology, plan: Plan): Promise<null> {
  await Promise.all([
    ...plan.hosts.map((host) => startHost(host, plan)),
    plan.router && startRouter(plan.router, topology, plan),
  ]);
  return null;
}

async function createAll(client: Client, resources: readonly Resource[]): Promise<string> {
  for (const resource of resources) await client.create(resource);
  return `${resources.length}`;
}

/** A host's workloads one after the other, for the host to claim no more blocks than it needs; hosts at the same time. */
async function addWorkloads(client: Client, topology: Topology, plan: Plan): Promise<Record<string, Ip[]>> {
  const ipam = new Ipam(client.store);
  const families = [...new Set(topology.pools.map(({ cidr }) => familyOf(cidr)))].sort();
  const addresses: Record<string, Ip[]> = {};
  const perHost = Map.groupBy(plan.workloads, ({ host }) => host);
  await Promise.all(
    [...perHost.values()].map(async (workloads) => {
      for (const workload of workloads) {
        const own = await assign(ipam, workload, families);
        addresses[workload.name] = own;
        await setUpWorkload(
          workload.name,
          own.map((address) => cidrOf(address)),
        );
        await client.create(workloadResource(workload, own));
      }
    }),
  );
  return addresses;
}

async function assign(ipam: Ipam, workload: PlannedWorkload, families: readonly (4 | 6)[]): Promise<Ip[]> {
  const owner = { host: workload.host, handle: handleOf(workload), attributes: { workload: workload.name } };
  const own: Ip[] = [];
  for (const family of families) {
    const { assignments, shortage } = await ipam.autoAssign({ ...owner, family, count: 1 });
    if (shortage) throw shortage;
    own.push(...assignments.map(({ address }) => address));
  }
  return own;
}
