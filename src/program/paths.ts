/** Where the programs are. */
import { fileURLToPath } from 'node:url';

/** The checkout: this file runs from src/program/ or bundled from dist/. */
const ROOT = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../../' : '../', import.meta.url));

/** Of bin/: `calico-felix`, `calicoctl`, … */
export function programPath(name: string): string {
  return `${ROOT}bin/${name}`;
}
