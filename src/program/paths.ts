/** Where the programs are, and what they keep while they run. */
import { fileURLToPath } from 'node:url';

/** The checkout: this file runs from src/program/ or bundled from dist/. */
const ROOT = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../../' : '../', import.meta.url));

/** Of bin/: `calico-felix`, `calicoctl`, … */
export function programPath(name: string): string {
  return `${ROOT}bin/${name}`;
}

/** Where the programs of a host keep what others find them by: sockets, process ids. */
export function runDirectory(env: Readonly<Record<string, string | undefined>>): string {
  return env.CALICO_RUN_DIR || '/run/calico';
}
