/** The scenarios that upstream's Felix was recorded with. */
import { readdirSync } from 'node:fs';

export const RECORDINGS = 'test/vectors/felix';

export const recordings: readonly string[] = readdirSync(RECORDINGS, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

/** Those that say most of what a backend could get wrong: order, every match, hosts, both families with NAT. */
export const TELLING: readonly string[] = ['policy-order', 'ports-and-protocols', 'host-endpoints', 'openstack'];
