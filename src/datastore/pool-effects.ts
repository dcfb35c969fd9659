/** What writing an IPPool checks against other pools, and turns on in Felix. */
import type { Resource } from '../api/index.ts';
import { CalicoError } from '../errors/index.ts';
import { type Cidr, contains, parseCidr } from '../net/index.ts';
import type { Client } from './client.ts';

/** Called with a valid pool before it is written; `current` is what it replaces. Throws E_INVALID. */
export async function beforePoolWrite(client: Client, pool: Resource, current: Resource | null): Promise<void> {
  if (current) checkUnchanged(pool, current);
  else await checkOverlap(client, pool);
  await enableEncapsulation(client, pool);
}

/** A pool with an encapsulation turns it on, unless it has been turned off on purpose. */
async function enableEncapsulation(client: Client, pool: Resource): Promise<void> {
  const field = isOn(pool.spec?.ipipMode) ? 'ipipEnabled' : isOn(pool.spec?.vxlanMode) ? 'vxlanEnabled' : null;
  if (!field) return;
  try {
    const current = await client.find('FelixConfiguration', 'default');
    if (!current) await client.create({ ...FELIX_DEFAULT, spec: { [field]: true } });
    else if (current.spec?.[field] === undefined)
      await client.update({ ...current, spec: { ...current.spec, [field]: true } });
  } catch (error) {
    // Somebody else has done the same just now.
    if (!(error instanceof CalicoError && (error.code === 'E_EXISTS' || error.code === 'E_CONFLICT'))) throw error;
    await enableEncapsulation(client, pool);
  }
}

const FELIX_DEFAULT = {
  apiVersion: 'projectcalico.org/v3',
  kind: 'FelixConfiguration',
  metadata: { name: 'default' },
} as const;

async function checkOverlap(client: Client, pool: Resource): Promise<void> {
  const own = cidrOf(pool);
  for (const other of (await client.list('IPPool')).items) {
    const theirs = cidrOf(other);
    if (!own || !theirs || !(contains(own, theirs) || contains(theirs, own))) continue;
    throw invalid(pool, 'spec.cidr', `${own} overlaps ${theirs} of the IPPool ${other.metadata.name}`);
  }
}

function checkUnchanged(pool: Resource, current: Resource): void {
  for (const field of ['cidr', 'blockSize']) {
    if (pool.spec?.[field] === current.spec?.[field]) continue;
    throw invalid(pool, `spec.${field}`, `cannot be changed: it is ${current.spec?.[field]}`);
  }
}

function isOn(mode: unknown): boolean {
  return mode === 'Always' || mode === 'CrossSubnet';
}

function cidrOf(pool: Resource): Cidr | null {
  return parseCidr(String(pool.spec?.cidr));
}

function invalid(pool: Resource, field: string, message: string): CalicoError {
  return new CalicoError('E_INVALID', `IPPool ${pool.metadata.name}`, `${field} ${message}`);
}
