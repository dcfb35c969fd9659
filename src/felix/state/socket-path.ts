/** Where a Felix can be asked for its state: one place for each network namespace, so that those of a lab do not collide. */
import { readlinkSync } from 'node:fs';

const DIRECTORY = '/run/calico';

/** Of this process' network namespace: `felix.sock` in the machine's own, `felix-<namespace>.sock` in another. */
export function socketPath(): string {
  const [own, machine] = ['self', '1'].map(namespaceOf);
  // Where the machine's own may not be looked at, every namespace is another.
  const name = own === machine ? 'felix' : `felix-${/\d+/.exec(own ?? '')?.[0]}`;
  return `${DIRECTORY}/${name}.sock`;
}

/** Empty where it may not be looked at. */
function namespaceOf(process: string): string {
  try {
    return readlinkSync(`/proc/${process}/ns/net`);
  } catch {
    return '';
  }
}
