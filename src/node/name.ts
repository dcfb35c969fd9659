/** By which name this host is known: its Node, its endpoints and its share of the configuration go by it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { CalicoError } from '../errors/index.ts';
import type { Environment } from './variables.ts';

const FILE = '/var/lib/calico/nodename';

/**
 * NODENAME, else the name that an earlier start kept, else HOSTNAME, else the system's own. A kept name comes before the
 * system's, so that a host that is renamed is still the same node.
 */
export function nodeName(env: Environment, systemName: string): string {
  return env.NODENAME?.trim() || kept(env) || (env.HOSTNAME?.trim() || systemName.trim()).toLowerCase();
}

/** For the next start, and for the CNI plugin. E_FILE. */
export function keepNodeName(env: Environment, name: string): void {
  const file = fileOf(env);
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, name);
  } catch (cause) {
    throw new CalicoError('E_FILE', file, 'cannot be written', { hint: (cause as Error).message, cause });
  }
}

function kept(env: Environment): string {
  try {
    return readFileSync(fileOf(env), 'utf8').trim();
  } catch {
    return '';
  }
}

function fileOf(env: Environment): string {
  return env.CALICO_NODENAME_FILE || FILE;
}
