/** What runs, and whether it is well. */
import { readFileSync } from 'node:fs';
import { command } from '../bgp/control.ts';
import { runDirectory } from './paths.ts';
import { NET, namespaceOf, planOf } from './plan.ts';
import { processesIn } from './processes.ts';
import type { LabState } from './state.ts';

export interface HostStatus {
  readonly name: string;
  readonly workloads: number;
  readonly felix: boolean;
  /** Of its sessions, how many are established; null: BIRD does not answer. */
  readonly bgp: { readonly established: number; readonly sessions: number } | null;
}

export interface LabStatus {
  readonly etcd: boolean;
  readonly hosts: readonly HostStatus[];
  readonly router: HostStatus['bgp'];
  readonly processes: number;
  /** Of all processes together, proportional shares of what they share (PSS). */
  readonly memoryBytes: number;
}

export async function statusOf({ topology }: LabState): Promise<LabStatus> {
  const plan = planOf(topology);
  const names = [plan.net, ...plan.hosts, ...(plan.router ? [plan.router] : []), ...plan.workloads].map(
    ({ name }) => name,
  );
  const processes = processesIn(names.map(namespaceOf));
  const runs = (name: string, program: string) =>
    (processes.get(namespaceOf(name)) ?? []).some((pid) =>
      read(`/proc/${pid}/cmdline`)
        .split('\0')
        .slice(0, 3)
        .some((word) => word.endsWith(program)),
    );
  const hosts = plan.hosts.map(
    async ({ name }): Promise<HostStatus> => ({
      name,
      workloads: plan.workloads.filter(({ host }) => host === name).length,
      felix: runs(name, '/calico-felix.js'),
      bgp: await sessions(`${runDirectory(name)}/calico/bird/bird.ctl`),
    }),
  );
  const all = [...processes.values()].flat();
  return {
    etcd: runs(NET, 'etcd'),
    hosts: await Promise.all(hosts),
    router: plan.router && (await sessions(`${runDirectory(plan.router.name)}/bird.ctl`)),
    processes: all.length,
    memoryBytes: all.reduce((sum, pid) => sum + memoryOf(pid), 0),
  };
}

export function formatStatus(status: LabStatus): string {
  const bgp = (of: HostStatus['bgp']) => (of ? `${of.established}/${of.sessions} established` : 'does not answer');
  const rows = [
    ['host', 'workloads', 'Felix', 'BGP sessions'],
    ...status.hosts.map((host) => [host.name, String(host.workloads), host.felix ? 'runs' : 'DOWN', bgp(host.bgp)]),
    ...(status.router ? [['router', '', '', bgp(status.router)]] : []),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] as number))
      .join('  ')
      .trimEnd(),
  );
  const megabytes = Math.round(status.memoryBytes / 1e6);
  return `${lines.join('\n')}\netcd ${status.etcd ? 'runs' : 'is DOWN'}; ${status.processes} processes, ${megabytes} MB\n`;
}

async function sessions(socket: string): Promise<HostStatus['bgp']> {
  try {
    const { lines } = await command(socket, 'show protocols');
    const bgp = lines.map((line) => line.trim().split(/\s+/)).filter((fields) => fields[1] === 'BGP');
    return { sessions: bgp.length, established: bgp.filter((fields) => fields.includes('Established')).length };
  } catch {
    return null;
  }
}

function memoryOf(pid: number): number {
  const match = /^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`));
  return match ? Number(match[1]) * 1024 : 0;
}

/** Empty where it cannot be read: the process has ended. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
