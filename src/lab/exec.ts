/** Commands for people: a command in the lab, a shell beside it, its logs. */
import { spawn } from 'node:child_process';
import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { CalicoError } from '../errors/index.ts';
import { inside } from './namespace.ts';
import { LOGS, program, runDirectory } from './paths.ts';
import { NET, planOf } from './plan.ts';
import { hostEnvironment } from './services.ts';
import type { LabState } from './state.ts';
import { labEnvironment } from './up.ts';

/** Resolves to the command's exit status. E_NOT_FOUND: no such host or workload. */
export function execute(state: LabState, name: string, command: readonly string[]): Promise<number> {
  const plan = planOf(state.topology);
  const isHost = plan.hosts.some((host) => host.name === name) || plan.router?.name === name;
  const names = [...plan.hosts, ...plan.workloads, ...(plan.router ? [plan.router] : [])].map((one) => one.name);
  if (!isHost && name !== NET && !names.includes(name)) {
    throw new CalicoError('E_NOT_FOUND', name, 'no such host or workload', {
      hint: `there are ${names.slice(0, 12).join(', ')}`,
    });
  }
  const path = `${program('').replace(/\/$/, '')}:${process.env.PATH}`;
  const env = { ...process.env, ...(isHost && hostEnvironment(name, plan)), PATH: path };
  return spawned(inside(name, command, isHost ? runDirectory(name) : undefined), env);
}

/** A shell in which calicoctl finds the lab. */
export function shell(): Promise<number> {
  const path = `${program('').replace(/\/$/, '')}:${process.env.PATH}`;
  return spawned([process.env.SHELL || '/bin/sh'], { ...process.env, ...labEnvironment(), PATH: path });
}

/** Writes a host's logs to standard output. E_NOT_FOUND: it has none. */
export async function printLogs(host: string): Promise<void> {
  const files = existsSync(LOGS)
    ? readdirSync(LOGS).filter((file) => file === `${host}.log` || file.startsWith(`${host}-`))
    : [];
  if (files.length === 0) {
    throw new CalicoError('E_NOT_FOUND', host, 'has no logs', { hint: 'calico lab logs takes a host, router or etcd' });
  }
  for (const file of files.sort()) {
    process.stdout.write(`==> ${LOGS}/${file} <==\n`);
    await pipeline(createReadStream(`${LOGS}/${file}`), process.stdout, { end: false });
  }
}

function spawned(command: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0] as string, command.slice(1), { stdio: 'inherit', env });
    child.on('error', reject);
    child.on('close', (status) => resolve(status ?? 1));
  });
}
