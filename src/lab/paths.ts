/** Where the lab's programs are, and where a running lab keeps its files. */
import { fileURLToPath } from 'node:url';
import { programPath } from '../program/index.ts';

/** The checkout: this file runs from src/lab/ or bundled from dist/. */
const ROOT = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../../' : '../', import.meta.url));

/** Of bin/: `calico-felix`, `calicoctl`, … */
export { programPath as program };

export const PROBE = import.meta.url.endsWith('.ts') ? `${ROOT}src/lab/probe.ts` : `${ROOT}dist/lab-probe.js`;
export const EXAMPLES = `${ROOT}examples/`;

/** All files of the lab that is up. `down` removes it. */
export const DIRECTORY = '/run/calico-lab';
export const LOGS = `${DIRECTORY}/log`;
export const STATE = `${DIRECTORY}/state.json`;
export const LAST_MATRIX = `${DIRECTORY}/matrix.json`;
/** How programs outside the lab's namespaces reach its etcd. */
export const ETCD_SOCKET = `${DIRECTORY}/etcd.sock`;

/** What a host (or the router) sees as its /run. */
export function runDirectory(host: string): string {
  return `${DIRECTORY}/hosts/${host}/run`;
}
